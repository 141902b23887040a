"""Checks of lesson 02: one inner step, the inner loop, a rate for each parameter.

Each judges what the reader's function returns *and* the gradient through it with respect to theta,
because an inner step whose graph was cut returns the right numbers and teaches the wrong thing.
"""

from functools import partial

from torch.func import grad

from maml_edu.exercises.common import FIRST_ORDER, adapted, mse, regressions, tiny_model, traced
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise
from maml_edu.inner import adapt

__all__ = ["check_inner_loop", "check_inner_step", "check_rates_step"]


@exercise("02.1", "one step, by heart")
def check_inner_step() -> Comparison:
    """`attempt(model, theta, x, y, inner_lr)` -> theta after one step down the mean squared error,
    name -> tensor."""

    def right(model, theta, x, y, inner_lr, first_order=False):
        def loss_fn(theta, x, y):
            return ((model(theta, x) - y) ** 2).mean()

        return adapted(loss_fn, theta, (x, y), inner_lr, first_order=first_order)

    mistakes = {
        "the sign is flipped: this climbs the loss": lambda *p: right(*p[:-1], -p[-1]),
        FIRST_ORDER: partial(right, first_order=True),
        "detached: no gradient can flow": lambda *p: {n: q.detach() for n, q in right(*p).items()},
        "the loss is summed over the samples": lambda *p: right(*p[:-1], p[-1] * p[-2].numel()),
        "inner_lr is left out of the step": lambda *p: right(*p[:-1], 1.0),
    }
    problems = [(tiny_model, *problem, 0.07) for problem in regressions(3)]
    return Comparison(right, mistakes, problems, "right: gradients flow through the step", traced)


@exercise("02.2", "find the bug")
def check_inner_loop() -> Comparison:
    """`attempt(loss_fn, theta, x, y, inner_lr, inner_steps)` -> the list of all inner_steps + 1
    states, from theta itself to the adapted parameters."""

    def right(loss_fn, theta, x, y, inner_lr, inner_steps, **how):
        return adapt(loss_fn, theta, x, y, inner_lr=inner_lr, inner_steps=inner_steps, **how)

    def stale(loss_fn, theta, x, y, inner_lr, inner_steps):
        grads, rates = grad(loss_fn)(theta, x, y), [k * inner_lr for k in range(inner_steps + 1)]
        return [{name: p - rate * grads[name] for name, p in theta.items()} for rate in rates]

    mistakes = {
        "stale parameters: the gradient is always taken at theta, not at the step before": stale,
        FIRST_ORDER: partial(right, first_order=True),
        "the first state, theta itself, is missing": lambda *p: right(*p)[1:],
        "only the last state is returned; all of them were asked for": lambda *p: right(*p)[-1:],
        "one step too few": lambda *p: right(*p[:-1], p[-1] - 1),
        "one step too many": lambda *p: right(*p[:-1], p[-1] + 1),
    }
    # Two steps or more: with one, stale parameters cannot be told from right ones.
    posed = zip(regressions(3), (2, 3, 5), strict=True)
    problems = [(mse, *problem, 0.07, steps) for problem, steps in posed]
    return Comparison(right, mistakes, problems, "right: no gradient is stale", traced)


@exercise("02.3", "a rate for each parameter")
def check_rates_step() -> Comparison:
    """`attempt(loss_fn, theta, x, y, rates)` -> theta after one step, name -> tensor.

    rates: a number for some names of theta; what it does not name stays as it is.
    """

    def right(loss_fn, theta, x, y, rates, **how):
        return adapted(loss_fn, theta, (x, y), rates, **how)

    def by_position(loss_fn, theta, x, y, rates):
        return right(loss_fn, theta, x, y, dict(zip(theta, rates.values(), strict=False)))

    mistakes = {
        "parameters without a rate are missing": lambda *p: {n: right(*p)[n] for n in p[-1]},
        "one rate is used for all of them": lambda *p: right(*p[:-1], next(iter(p[-1].values()))),
        "rates are matched by position; match them by name": by_position,
        FIRST_ORDER: partial(right, first_order=True),
    }
    chosen = [{"out.bias": 0.2, "out.weight": 0.05}, {"in.bias": 0.3, "out.weight": 0.02}]
    problems = [(mse, *p, rates) for p, rates in zip(regressions(2), chosen, strict=True)]
    return Comparison(right, mistakes, problems, "right: each at its rate, the rest frozen", traced)
