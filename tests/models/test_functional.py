"""A model is a pure function of its parameters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import vmap

from maml_edu.inner import adapt
from maml_edu.models import Model, conv4, mlp


def test_mlp_is_the_network_written_out():
    model = mlp(2, 5, 3)
    theta = model.init(generator=torch.Generator().manual_seed(0))
    x = torch.randn(7, 2)
    hidden = (x @ theta["0.weight"].T + theta["0.bias"]).relu()
    expected = hidden @ theta["2.weight"].T + theta["2.bias"]
    torch.testing.assert_close(model(theta, x), expected)
    assert model.shapes() == {name: tuple(p.shape) for name, p in theta.items()}


def test_init_depends_on_its_generator_alone():
    model = mlp(1, 4, 1)
    torch.manual_seed(1)
    one = model.init(generator=torch.Generator().manual_seed(7))
    drawn_after = torch.rand(1)
    torch.manual_seed(2)
    two = model.init(generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    assert all(torch.equal(one[n], two[n].float()) for n in one)
    assert two["0.weight"].dtype == torch.float64
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn_after)  # the global generator was left alone


@pytest.mark.parametrize("sizes", [(), (1,), (1, 0, 1), (1, -3, 1), (1, 2.5, 1)])
def test_bad_sizes_name_themselves(sizes):
    with pytest.raises(ValueError, match="sizes"):
        mlp(*sizes)


# --- inputs that it cannot take

NETS = {"mlp": (mlp(3, 4, 2), (5, 3)), "conv4": (conv4(2, channels=4), (5, 1, 28, 28))}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.uint8])
def test_an_input_of_another_dtype_is_named_with_the_right_one(net, dtype):
    model, shape = NETS[net]
    theta, x = model.init(), torch.ones(shape).to(dtype)
    message = rf"x is of {dtype}; it must be of torch\.float32.* x\.to\(torch\.float32\)"
    with pytest.raises(ValueError, match=message):
        model(theta, x)
    with pytest.raises(ValueError, match=message):
        vmap(model, in_dims=(None, 0))(theta, torch.stack([x, x]))
    doubles = {name: p.double() for name, p in theta.items()}
    assert model(doubles, torch.ones(shape).double()).dtype == torch.float64


@pytest.mark.parametrize("net", NETS)
def test_arrays_of_numpy_are_named(net):
    model, shape = NETS[net]
    theta = model.init()
    with pytest.raises(ValueError, match=r"x is a ndarray of float64; .* tensor of torch\.float32"):
        model(theta, np.ones(shape))
    arrays = {name: p.numpy() for name, p in theta.items()}
    with pytest.raises(ValueError, match=r"theta\['.*'\] is a ndarray of float32; .* a tensor"):
        model(arrays, torch.ones(shape))
    wrong = {"y": np.ones((5, 2), np.float32), "inner_lr": np.array(0.1)}
    for name, value in wrong.items():
        given = {"y": torch.ones(5, 2), "inner_lr": 0.1, name: value}
        with pytest.raises(ValueError, match=rf"{name} is a ndarray of float\d\d; .* a tensor"):
            adapt(
                lambda theta, x, y: (model(theta, x) - y).square().mean(),
                theta, torch.ones(shape), **given, inner_steps=1,
            )  # fmt: skip


def test_a_theta_that_lacks_a_parameter_is_named():
    theta = mlp(1, 4, 1).init()
    del theta["2.bias"]
    with pytest.raises(ValueError, match=r"theta lacks 2\.bias"):
        mlp(1, 4, 1)(theta, torch.ones(3, 1))


def test_inputs_of_other_kinds_work_as_the_module_takes_them():
    """Integers for an embedding, a dict, bfloat16 by autocast; and another error stays itself."""
    words = Model(lambda: nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2)))
    theta = words.init()
    assert words(theta, torch.tensor([[1, 2]])).shape == (1, 2)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        words(theta, torch.tensor([[1, 2, 3]]))

    class Named(nn.Linear):
        def forward(self, x):
            return super().forward(x["x"])

    named = Model(lambda: Named(3, 2))
    assert named(named.init(), {"x": torch.ones(4, 3)}).shape == (4, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert mlp(3, 2)(mlp(3, 2).init(), torch.ones(4, 3).bfloat16()).dtype == torch.bfloat16
