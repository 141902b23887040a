"""A captured function gives what the function gives, and refuses other arguments."""

from __future__ import annotations

import pytest
import torch

from maml_edu.foundation.capture import capture


def slope(theta, x):
    return torch.func.grad(lambda t: (t["w"] * x).sin().sum())(theta), {"x": (x, x + 1)}


def test_same_numbers_on_new_arguments():
    captured = capture(slope, {"w": torch.ones(3)}, torch.ones(3))
    theta, x = {"w": torch.randn(3)}, torch.randn(3)
    got, expected = captured(theta, x), slope(theta, x)
    torch.testing.assert_close(got, expected)
    assert not got[0]["w"].requires_grad


def test_operations_that_torchscript_cannot_run_are_captured_too():
    def second_order(kernel, x):
        def loss(kernel):
            return torch.nn.functional.conv2d(x, kernel).square().sum()

        return torch.func.grad(lambda k: loss(k - 0.1 * torch.func.grad(loss)(k)))(kernel)

    captured = capture(second_order, torch.randn(2, 1, 3, 3), torch.randn(4, 1, 5, 5))
    kernel, x = torch.randn(2, 1, 3, 3) / 10, torch.randn(4, 1, 5, 5)
    torch.testing.assert_close(captured(kernel, x), second_order(kernel, x))


@pytest.mark.parametrize(("rows", "columns"), [(2, 7), (7, 2), (7, 1), (3, 3)])
def test_products_of_any_shape_have_the_same_derivatives(rows, columns):
    """Tall ones are computed in another way, and what follows may not mind."""

    def hessian(a, b):
        def loss(a):
            return (torch.func.vmap(torch.mm)(a, b).flatten(1).sin() ** 2).sum()

        return torch.func.grad(lambda a: torch.func.grad(loss)(a).square().sum())(a), loss(a)

    generator = torch.Generator().manual_seed(0)
    sides = (4, rows, 5), (4, 5, columns)
    made = [torch.rand(s, generator=generator, dtype=torch.float64) for s in (*sides, *sides)]
    captured = capture(hessian, *made[:2])
    torch.testing.assert_close(captured(*made[2:]), hessian(*made[2:]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [({"w": torch.ones(3)}, torch.ones(4)), ({"w": torch.ones(3).double()}, torch.ones(3)),
     ({"v": torch.ones(3)}, torch.ones(3)), ({"w": torch.ones(3)},)],
)  # fmt: skip
def test_other_arguments_are_refused(arguments):
    captured = capture(slope, {"w": torch.ones(3)}, torch.ones(3))
    with pytest.raises(ValueError, match="capture the function again"):
        captured(*arguments)
