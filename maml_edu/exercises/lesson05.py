"""Checks of lesson 05: FOMAML's gradient, Reptile's outer step, the weights of MAML++."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.exercises.lesson02 import mse, regressions
from maml_edu.foundation.types import Theta
from maml_edu.inner import adapt

__all__ = ["check_first_order", "check_reptile_step", "check_step_weights"]


# FOMAML ------------------------------------------------------------------------------------------


def _last(loss_fn: Callable, theta: Theta, data: tuple, inner_lr: float, steps: int) -> Theta:
    return adapt(loss_fn, theta, *data, inner_lr=inner_lr, inner_steps=steps)[-1]


def _first_order(judge_on: int = 1, adapt_on: int = 0, steps: Callable = lambda k: k) -> Callable:
    """FOMAML's gradient of one task, right unless a mistake is asked for."""

    def gradient(loss_fn, theta, support, query, inner_lr, inner_steps):
        sets = support, query
        adapted = _last(loss_fn, theta, sets[adapt_on], inner_lr, steps(inner_steps))
        return grad(loss_fn)(adapted, *sets[judge_on])

    return gradient


def _second_order(loss_fn, theta, support, query, inner_lr, inner_steps):
    return grad(lambda t: loss_fn(_last(loss_fn, t, support, inner_lr, inner_steps), *query))(theta)


def _way_back(loss_fn, theta, support, query, inner_lr, inner_steps):
    adapted = _last(loss_fn, theta, support, inner_lr, inner_steps)
    return {n: p - adapted[n] for n, p in theta.items()}


def _stale(loss_fn, theta, support, query, inner_lr, inner_steps):
    return _first_order()(loss_fn, theta, support, query, inner_lr * inner_steps, 1)


def _negative(*problem):
    return {n: -g for n, g in _first_order()(*problem).items()}


FIRST_ORDER_MISTAKES: dict[str, Callable] = {
    "this is MAML's own gradient: it passes through the inner steps; take it at the adapted "
    "parameters, as if they had come from nowhere": _second_order,
    "the gradient is taken at theta, not at the adapted parameters": _first_order(
        steps=lambda k: 0
    ),
    "the gradient is that of the support loss; the query set judges": _first_order(judge_on=0),
    "the query set is adapted to: it is there to judge what the support set taught": (
        _first_order(adapt_on=1)
    ),
    "support and query are swapped": _first_order(judge_on=0, adapt_on=1),
    "one inner step is taken, where inner_steps were asked for": _first_order(steps=lambda k: 1),
    "one inner step too few": _first_order(steps=lambda k: k - 1),
    "stale parameters: every inner gradient is taken at theta, not at the step before": _stale,
    "this is the way from adapted back to theta, which is Reptile's; FOMAML asks the query set": (
        _way_back
    ),
    "the sign is flipped: return the gradient; the optimiser walks down it": _negative,
}


def check_first_order(attempt: Callable) -> Verdict:
    """Judge `attempt(loss_fn, theta, support, query, inner_lr, inner_steps) -> FOMAML's gradient of
    one task, name -> tensor`."""
    posed = zip(regressions(3, samples=12), (2, 3, 5), strict=True)
    problems = [(mse, t, (x[:5], y[:5]), (x[5:], y[5:]), 0.07, k) for (t, x, y), k in posed]
    praise = "right: the query gradient where the inner steps ended, and nothing more"
    return judge(attempt, _first_order(), FIRST_ORDER_MISTAKES, problems, praise=praise)


# Reptile -----------------------------------------------------------------------------------------


def _reptile(
    sign: float = 1.0, total: bool = False, part: slice = slice(None), rate: bool = True,
    steps: Callable = lambda k: k,
) -> Callable:  # fmt: skip
    """Reptile's outer step, right unless a mistake is asked for."""

    def step(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
        ends = [_last(loss_fn, theta, t, inner_lr, steps(inner_steps)) for t in tasks[part]]
        scale = sign * (meta_lr if rate else 1.0) / (1 if total else len(ends))
        return {n: p + scale * sum(end[n] - p for end in ends) for n, p in theta.items()}

    return step


def _last_gradient(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    """What the last inner step of each task added, in place of all of them."""
    ends = [
        [_last(loss_fn, theta, task, inner_lr, k) for k in (inner_steps - 1, inner_steps)]
        for task in tasks
    ]
    return {
        n: p + meta_lr * sum(after[n] - before[n] for before, after in ends) / len(tasks)
        for n, p in theta.items()
    }


def _last_slope(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    moved = _last_gradient(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr)
    return {n: p + (moved[n] - p) / inner_lr for n, p in theta.items()}


def _one_by_one(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    for task in tasks:
        theta = _reptile()(loss_fn, theta, [task], inner_lr, inner_steps, meta_lr)
    return theta


def _undivided(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    return _reptile()(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr / inner_lr)


ONE_STEP = "one inner step is taken: then Reptile is joint training; take inner_steps of them"
LAST = (
    "only the last inner step's gradient counts here; Reptile goes along the whole way, from theta "
    "to where the steps ended"
)
REPTILE_MISTAKES: dict[str, Callable] = {
    "the sign is flipped: this steps away from where the tasks lead": _reptile(sign=-1.0),
    ONE_STEP: _reptile(steps=lambda k: 1),
    LAST: _last_gradient,
    LAST + " (and it is no gradient: do not divide by inner_lr)": _last_slope,
    "sum over tasks where the mean was asked for: meta_lr now depends on their number": _reptile(
        total=True
    ),
    "theta is replaced by the mean of the adapted parameters; step towards it by the share "
    "meta_lr": _reptile(rate=False),
    "theta moves after each task; let all tasks start from the same theta, then take one step": (
        _one_by_one
    ),
    "only the last task counts": _reptile(part=slice(-1, None)),
    "the way is divided by inner_lr; take it as it is, times meta_lr": _undivided,
    "one inner step too few": _reptile(steps=lambda k: k - 1),
}


def check_reptile_step(attempt: Callable) -> Verdict:
    """Judge `attempt(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr) -> theta after one
    outer step`, where tasks is a list of (x, y)."""
    problems = []
    for n_tasks, inner_steps in ((2, 3), (4, 5)):
        drawn = list(regressions(n_tasks))
        tasks = [(x, y) for _, x, y in drawn]
        problems.append((mse, drawn[0][0], tasks, 0.07, inner_steps, 0.3))
    praise = "right: from one theta, a share of the way to where the tasks lead on average"
    return judge(attempt, _reptile(), REPTILE_MISTAKES, problems, praise=praise)


# MAML++ ------------------------------------------------------------------------------------------

FLOOR = 0.03


def _weights(
    others: Callable[[float, int], float], last: Callable[[float, int], float] | None = None
) -> Callable[[float, int], Tensor]:
    """Equal weights for all steps but the last, which has the rest unless said otherwise."""

    def weights(done: float, inner_steps: int) -> Tensor:
        each = others(done, inner_steps)
        rest = 1 - (inner_steps - 1) * each if last is None else last(done, inner_steps)
        return torch.tensor([each] * (inner_steps - 1) + [rest], dtype=torch.float64)

    return weights


def _right_share(done: float, k: int) -> float:
    return max(1 - done, FLOOR) / k


WEIGHT_MISTAKES: dict[str, Callable[[float, int], Tensor]] = {
    "they do not sum to 1: what the other steps lose, the last one gains": _weights(
        _right_share, lambda done, k: 1 / k
    ),
    "they do not sum to 1: the last weight does not depend on how many others there are": _weights(
        _right_share, lambda done, k: max(done, 1 / k)
    ),
    "the others sink to 0: each keeps at least 0.03 of its equal part": _weights(
        lambda done, k: (1 - done) / k
    ),
    "the floor is 0.03 of the equal part 1 / inner_steps, not 0.03 itself": _weights(
        lambda done, k: max((1 - done) / k, FLOOR)
    ),
    "the weight moves the wrong way: it begins at the last step and spreads out": _weights(
        lambda done, k: max(done, FLOOR) / k
    ),
    "the weight moves to the first step; it belongs to the last": lambda done, k: _weights(
        _right_share
    )(done, k).flip(0),
    "the weights stay equal; they should move to the last step": _weights(lambda done, k: 1 / k),
    "all the weight is at the last step from the start: that is MAML's loss": _weights(
        lambda done, k: 0.0
    ),
    "they do not sum to 1: each step begins with 1 / inner_steps, not with 1": _weights(
        lambda done, k: max(1 - done, FLOOR), lambda done, k: 1 - (k - 1) * max(1 - done, FLOOR)
    ),
}


def check_step_weights(attempt: Callable[[float, int], Tensor]) -> Verdict:
    """Judge `attempt(done, inner_steps) -> weights (inner_steps,)`, where `done` is the share of
    the annealing that lies behind, 0 to 1."""

    def as_tensor(done: float, inner_steps: int):
        weights = attempt(done, inner_steps)
        if isinstance(weights, list | tuple):
            return torch.tensor(weights, dtype=torch.float64)
        return weights

    problems = [(0.25, 4), (0.0, 5), (1.0, 3), (0.9, 2), (0.99, 6), (0.5, 1)]
    praise = "right: they sum to 1, begin equal, and move to the last step"
    return judge(as_tensor, _weights(_right_share), WEIGHT_MISTAKES, problems, praise=praise)
