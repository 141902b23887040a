"""Checks of lesson 02: one inner step, the inner loop, a rate for each parameter.

Each judges what the learner's function returns *and* the gradient through it with respect to theta,
because an inner step whose graph was cut returns the right numbers and teaches the wrong thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.func import grad

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.foundation.types import Theta

CUT = "this is the first-order step: the graph of the gradient was cut (see create_graph)"
DETACHED = "the result no longer depends on theta: it was detached, so no gradient can flow through"
STALE = "stale parameters: the gradient is always taken at theta, not at the step before"


def check_inner_step(attempt: Callable) -> Verdict:
    """Judge `attempt(model, theta, x, y, inner_lr) -> theta after one step`, mean squared error."""

    def step(sign=-1.0, reduce=torch.mean, keep=lambda g: g, rate=True, after=lambda p: p):
        def mistaken(model, theta, x, y, inner_lr):
            grads = grad(lambda t: reduce((model(t, x) - y) ** 2))(theta)
            scale = sign * (inner_lr if rate else 1.0)
            return {name: after(p + scale * keep(grads[name])) for name, p in theta.items()}

        return through(mistaken)

    mistakes = {
        "the sign is flipped: this climbs the loss": step(sign=+1.0),
        CUT: step(keep=torch.detach),
        DETACHED: step(after=torch.detach),
        "sum over the samples where the mean was asked for": step(reduce=torch.sum),
        "inner_lr is left out: the whole gradient was subtracted": step(rate=False),
    }
    problems = [(tiny_model, *problem, 0.07) for problem in regressions(3)]
    praise = "right, and differentiable: theta is untouched and gradients flow through the step"
    return judge(through(attempt), step(), mistakes, problems, praise=praise)


def check_inner_loop(attempt: Callable) -> Verdict:
    """Judge `attempt(loss_fn, theta, x, y, inner_lr, inner_steps) -> inner_steps + 1 states`."""

    def loop(stale=False, keep=lambda g: g, part=slice(None), extra=0):
        def mistaken(loss_fn, theta, x, y, inner_lr, inner_steps):
            states = [theta]
            for _ in range(inner_steps + extra):
                grads = grad(loss_fn)(theta if stale else states[-1], x, y)
                before = states[-1]
                states.append({n: p - inner_lr * keep(grads[n]) for n, p in before.items()})
            return states[part]

        return through(mistaken)

    mistakes = {
        STALE: loop(stale=True),
        CUT: loop(keep=torch.detach),
        "the first state, theta itself, is missing": loop(part=slice(1, None)),
        "only the last state is returned; all of them were asked for": loop(part=slice(-1, None)),
        "one step too few": loop(extra=-1),
        "one step too many": loop(extra=+1),
    }
    # Two steps or more: with one, stale parameters cannot be told from right ones.
    posed = zip(regressions(3), (2, 3, 5), strict=True)
    problems = [(mse, *problem, 0.07, steps) for problem, steps in posed]
    praise = "right: every gradient is taken where the last step ended"
    wanted = "a list of dicts, one for each state"
    return judge(through(attempt, wanted), loop(), mistakes, problems, praise=praise)


def check_rates_step(attempt: Callable) -> Verdict:
    """Judge `attempt(loss_fn, theta, x, y, rates) -> theta after one step` where `rates` holds a
    number for some names of theta, and what it does not name stays as it is."""

    def step(rate_of, keep_unnamed=True, keep=lambda g: g):
        def mistaken(loss_fn, theta, x, y, rates):
            grads = grad(loss_fn)(theta, x, y)
            moved = {n: p - rate_of(rates, n) * keep(grads[n]) for n, p in theta.items()}
            return moved if keep_unnamed else {n: p for n, p in moved.items() if n in rates}

        return through(mistaken)

    def own(rates, name):
        return rates.get(name, 0.0)

    mistakes = {
        "parameters without a rate are missing from the result; keep them as they are": step(
            own, keep_unnamed=False
        ),
        "parameters without a rate moved too; they should stay where they are": step(
            lambda rates, name: rates.get(name, next(iter(rates.values())))
        ),
        "one rate is used for all parameters; look each up by its name": step(
            lambda rates, name: next(iter(rates.values()))
        ),
        "rates are matched by position; match them by name": step(
            lambda rates, name: dict(zip(NAMES, rates.values(), strict=False)).get(name, 0.0)
        ),
        CUT: step(own, keep=torch.detach),
    }
    chosen = [{"out.bias": 0.2, "out.weight": 0.05}, {"in.bias": 0.3, "out.weight": 0.02}]
    problems = [(mse, *p, rates) for p, rates in zip(regressions(2), chosen, strict=True)]
    praise = "right: each parameter moves at its own rate, and the unnamed ones are frozen"
    return judge(through(attempt), step(own), mistakes, problems, praise=praise)


# What the checks are posed on: a tiny smooth network (its second derivatives are nowhere zero).

NAMES = ("in.weight", "in.bias", "out.weight", "out.bias")


def tiny_model(theta: Theta, x: Tensor) -> Tensor:
    """One hidden layer of tanh: (samples, 2) -> (samples, 1)."""
    hidden = torch.tanh(x @ theta["in.weight"] + theta["in.bias"])
    return hidden @ theta["out.weight"] + theta["out.bias"]


def mse(theta: Theta, x: Tensor, y: Tensor) -> Tensor:
    return ((tiny_model(theta, x) - y) ** 2).mean()


def regressions(n: int, samples: int = 6) -> Iterator[tuple[Theta, Tensor, Tensor]]:
    """`n` problems (theta, x, y) in float64; theta requires a gradient, as under an outer loop."""
    generator = torch.Generator().manual_seed(2)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    for _ in range(n):
        parts = normal(2, 3), normal(3), normal(3, 1), normal(1)
        theta = {name: part.requires_grad_() for name, part in zip(NAMES, parts, strict=True)}
        yield theta, normal(samples, 2), normal(samples, 1)


def through(function: Callable, wanted: str = "a dict, name -> tensor") -> Callable:
    """`function`, returning beside its result the gradient through the result's last state with
    respect to theta (zeros where nothing flows), so that a cut graph shows.

    wanted: what to ask for, in words, where the result is something else.
    """

    def both(*arguments):
        result = function(*arguments)
        if result is None or result is ... or _changed(arguments):
            return result  # the judge has a sentence for each of these
        last = result[-1] if isinstance(result, list | tuple) and result else result
        if not _is_theta(last) or wanted.startswith("a list") and result is last:
            raise TypeError(f"return {wanted}; this returned a {type(result).__name__}")
        theta = next(a for a in arguments if isinstance(a, dict))
        return {"result": result, "gradient": _gradient(last, theta)}

    return both


def _is_theta(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(p, Tensor) for p in value.values())


def _changed(arguments: tuple) -> bool:
    """Whether theta was changed in place: autograd would refuse, and the judge says it better."""
    theta = next(a for a in arguments if isinstance(a, dict))
    return any(p._version > 0 for p in theta.values())


def _gradient(last: Theta, theta: Theta) -> Theta:
    probe = sum((p**2).sum() for p in last.values())
    if not (isinstance(probe, Tensor) and probe.requires_grad):
        return {name: torch.zeros_like(p) for name, p in theta.items()}
    grads = torch.autograd.grad(probe, list(theta.values()), allow_unused=True)
    pairs = zip(theta.items(), grads, strict=True)
    return {n: torch.zeros_like(p) if g is None else g for (n, p), g in pairs}
