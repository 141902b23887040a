"""The inner loop against closed forms, a hand-written loop and finite differences, in float64."""

from __future__ import annotations

import pytest
import torch

from maml_edu.inner import adapt
from maml_edu.models import mlp


@pytest.fixture
def regression():
    """A small network with its parameters, a support set and its loss, in float64."""
    model, generator = mlp(1, 6, 6, 1), torch.Generator().manual_seed(0)
    theta = model.init(generator=generator, dtype=torch.float64)
    x = torch.randn(5, 1, generator=generator, dtype=torch.float64)

    def loss_fn(theta, x, y):
        return (model(theta, x) - y).square().mean()

    return model, theta, (x, x.sin()), loss_fn


def bowl(seed: int, n: int = 4):
    """A convex quadratic: its matrix, its minimum, and its loss as a loss_fn."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(n, n, generator=generator, dtype=torch.float64)
    matrix = root @ root.T / n + torch.eye(n, dtype=torch.float64)
    centre = torch.randn(n, generator=generator, dtype=torch.float64)

    def loss_fn(theta, matrix, centre):
        away = theta["w"] - centre
        return 0.5 * away @ matrix @ away

    return matrix, centre, loss_fn


@pytest.mark.parametrize("steps", range(6))
def test_states_follow_the_closed_form_on_a_quadratic(steps):
    matrix, centre, loss_fn = bowl(0)
    start = torch.ones(4, dtype=torch.float64)
    states = adapt(loss_fn, {"w": start}, matrix, centre, inner_lr=0.1, inner_steps=steps)
    assert len(states) == steps + 1
    contraction = torch.eye(4, dtype=torch.float64) - 0.1 * matrix
    for k, state in enumerate(states):
        expected = centre + torch.linalg.matrix_power(contraction, k) @ (start - centre)
        torch.testing.assert_close(state["w"], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("steps", range(1, 6))
@pytest.mark.parametrize("first_order", [False, True])
def test_gradient_through_the_steps_is_the_closed_form(steps, first_order):
    matrix, centre, loss_fn = bowl(1)
    query_matrix, query_centre, _ = bowl(2)
    start = torch.ones(4, dtype=torch.float64)

    def query_loss(theta):
        adapted = adapt(
            loss_fn, theta, matrix, centre, inner_lr=0.1, inner_steps=steps, first_order=first_order
        )[-1]
        return loss_fn(adapted, query_matrix, query_centre)

    contraction = torch.linalg.matrix_power(torch.eye(4).double() - 0.1 * matrix, steps)
    at_adapted = query_matrix @ (centre + contraction @ (start - centre) - query_centre)
    expected = at_adapted if first_order else contraction @ at_adapted
    got = torch.func.grad(query_loss)({"w": start})["w"]
    torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-10)


def test_equals_a_loop_written_with_autograd(regression):
    model, theta, (x, y), loss_fn = regression
    states = adapt(loss_fn, theta, x, y, inner_lr=0.05, inner_steps=3)
    params = {name: p.clone().requires_grad_() for name, p in theta.items()}
    for state in states[1:]:
        grads = torch.autograd.grad(loss_fn(params, x, y), list(params.values()))
        params = {
            name: (p - 0.05 * g).detach().requires_grad_()
            for (name, p), g in zip(params.items(), grads, strict=True)
        }
        for name, p in params.items():
            torch.testing.assert_close(state[name], p.detach(), rtol=1e-12, atol=1e-12)


def test_theta_is_not_changed(regression):
    _, theta, (x, y), loss_fn = regression
    before = {name: p.clone() for name, p in theta.items()}
    states = adapt(loss_fn, theta, x, y, inner_lr=0.05, inner_steps=2)
    assert states[0] is theta
    assert all(torch.equal(theta[name], before[name]) for name in theta)


def test_rates_per_parameter_and_per_step(regression):
    _, theta, (x, y), loss_fn = regression
    names = list(theta)
    only_first = {name: 0.1 if name == names[0] else 0.0 for name in names}
    _, state = adapt(loss_fn, theta, x, y, inner_lr=only_first, inner_steps=1)
    assert not torch.equal(state[names[0]], theta[names[0]])
    assert all(torch.equal(state[name], theta[name]) for name in names[1:])

    by_step = adapt(loss_fn, theta, x, y, inner_lr=[0.1, only_first], inner_steps=2)
    one = adapt(loss_fn, theta, x, y, inner_lr=0.1, inner_steps=1)[1]
    two = adapt(loss_fn, one, x, y, inner_lr=only_first, inner_steps=1)[1]
    assert all(torch.equal(by_step[2][name], two[name]) for name in names)

    tensors = {name: torch.full_like(p, 0.1) for name, p in theta.items()}
    same = adapt(loss_fn, theta, x, y, inner_lr=tensors, inner_steps=1)[1]
    assert all(torch.equal(same[name], one[name]) for name in names)


def test_learned_rates_get_a_gradient(regression):
    _, theta, (x, y), loss_fn = regression

    def after(rate):
        return loss_fn(adapt(loss_fn, theta, x, y, inner_lr=rate, inner_steps=2)[-1], x, y)

    rate, h = torch.tensor(0.05, dtype=torch.float64), 1e-6
    slope = (after(rate + h) - after(rate - h)) / (2 * h)
    torch.testing.assert_close(torch.func.grad(after)(rate), slope, rtol=1e-6, atol=1e-9)


def test_bad_arguments_name_themselves(regression):
    _, theta, (x, y), loss_fn = regression
    with pytest.raises(ValueError, match="inner_steps is -1"):
        adapt(loss_fn, theta, x, y, inner_lr=0.1, inner_steps=-1)
    with pytest.raises(ValueError, match="rates for 1 steps; inner_steps is 2"):
        adapt(loss_fn, theta, x, y, inner_lr=[0.1], inner_steps=2)
