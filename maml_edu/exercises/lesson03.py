"""Checks of lesson 03: MAML's task loss, the Jacobian product, the outer step, second order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.func import grad

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.exercises.lesson02 import mse, regressions, through
from maml_edu.foundation.types import Theta

FIRST_ORDER = "this is the first-order gradient: the graph of the inner step was cut"


def check_second_order(answer: str, **snippets: Callable) -> Verdict:
    """Judge which of `snippets` gives MAML's true gradient, by measuring each of them.

    snippets: name -> `(loss_fn, theta, support, query, inner_lr) -> gradient, name -> tensor`,
        measured against central finite differences along a random direction.
    """
    if answer is None or answer is ...:
        return Verdict("open", "not answered yet: replace the dots by a name, then run it again")
    if answer not in snippets:
        return Verdict("wrong", f"{answer!r} is none of {', '.join(map(repr, snippets))}")
    off = {name: _off(snippet) for name, snippet in snippets.items()}
    if off[answer] < 1e-4:
        others = ", ".join(f"{name} by {gap:.0%}" for name, gap in off.items() if name != answer)
        return Verdict("right", f"{answer} equals finite differences; off are {others}")
    return Verdict("wrong", f"measured against finite differences, {answer} is off by "
                            f"{off[answer]:.0%}: a part of the graph was cut")  # fmt: skip


def check_task_loss(attempt: Callable) -> Verdict:
    """Judge `attempt(loss_fn, theta, support, query, inner_lr) -> MAML's loss of one task` after
    one inner step, by its value and by its gradient with respect to theta."""

    def loss(adapt_on=0, judge_on=1, keep=lambda g: g):
        def mistaken(loss_fn, theta, support, query, inner_lr):
            sets = support, query
            adapted = theta
            if adapt_on is not None:
                grads = grad(loss_fn)(theta, *sets[adapt_on])
                adapted = {n: p - inner_lr * keep(grads[n]) for n, p in theta.items()}
            return loss_fn(adapted, *sets[judge_on])

        return _as_gradient(mistaken)

    mistakes = {
        "this is pre-training: the loss is taken at theta, with no adapted parameters in it": loss(
            adapt_on=None
        ),
        "the loss is taken at theta, on the support set": loss(adapt_on=None, judge_on=0),
        "the support set is used again as the query set": loss(judge_on=0),
        "the query set is adapted to: it is there to judge what the support set taught": loss(
            adapt_on=1
        ),
        "support and query are swapped": loss(adapt_on=1, judge_on=0),
        FIRST_ORDER: loss(keep=torch.detach),
    }
    problems = []
    for theta, x, y in regressions(3, samples=12):
        problems.append((mse, theta, (x[:5], y[:5]), (x[5:], y[5:]), 0.1))
    praise = "right: the query loss of the adapted parameters, with the inner step's graph in it"
    return judge(_as_gradient(attempt), loss(), mistakes, problems, praise=praise)


def check_jacobian_product(attempt: Callable) -> Verdict:
    """Judge `attempt(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps) -> meta-gradient` of
    quadratic tasks: support loss (theta - c_s)' A_s (theta - c_s) / 2, query loss likewise."""

    def product(sign=-1.0, at_theta=False, factors=lambda k: k, curvature=0):
        def mistaken(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
            one = torch.eye(len(theta), dtype=theta.dtype)
            adapted = c_s + torch.matrix_power(one - inner_lr * A_s, inner_steps) @ (theta - c_s)
            factor = one + sign * inner_lr * (A_q if curvature else A_s)
            outer = A_q @ ((theta if at_theta else adapted) - c_q)
            return torch.matrix_power(factor, factors(inner_steps)) @ outer

        return mistaken

    mistakes = {
        "this is the first-order gradient: the product of (I - inner_lr A_s) is missing": product(
            factors=lambda k: 0
        ),
        "one factor (I - inner_lr A_s) is there; it takes one for every inner step": product(
            factors=lambda k: min(k, 1)
        ),
        "one factor too many: there is one for each inner step": product(factors=lambda k: k + 1),
        "the query gradient is taken at theta, not at the adapted parameters": product(
            at_theta=True
        ),
        "the factors have a plus sign: (I + inner_lr A_s)": product(sign=+1.0),
        "the factors hold A_q; the inner steps went down the support loss": product(curvature=1),
    }
    praise = "right, for every number of inner steps"
    return judge(attempt, product(), mistakes, list(_quadratics()), praise=praise)


def check_outer_step(attempt: Callable) -> Verdict:
    """Judge `attempt(task_loss, theta, tasks, meta_lr) -> theta after one outer step` of gradient
    descent on the mean over `tasks` (a list) of `task_loss(theta, task)`."""

    def step(reduce=torch.mean, sign=-1.0, part=slice(None)):
        def mistaken(task_loss, theta, tasks, meta_lr):
            def objective(theta):
                return reduce(torch.stack([task_loss(theta, task) for task in tasks[part]]))

            grads = grad(objective)(theta)
            return {n: (p + sign * meta_lr * grads[n]).detach() for n, p in theta.items()}

        return mistaken

    def one_by_one(task_loss, theta, tasks, meta_lr):
        for task in tasks:
            theta = step()(task_loss, theta, [task], meta_lr)
        return theta

    mistakes = {
        "sum over tasks where the mean was asked for: meta_lr now depends on their number": step(
            torch.sum
        ),
        "the sign is flipped: this climbs the meta-loss": step(sign=+1.0),
        "theta moves after each task; take one step for all tasks together": one_by_one,
        "only the last task counts": step(part=slice(-1, None)),
        "only the first task counts": step(part=slice(1)),
    }

    def task_loss(theta: Theta, task: tuple) -> Tensor:
        x, y = task
        grads = grad(mse)(theta, x[:3], y[:3])
        return mse({n: p - 0.1 * grads[n] for n, p in theta.items()}, x[3:], y[3:])

    problems = []
    for n_tasks in (2, 4):
        drawn = list(regressions(n_tasks))
        problems.append((task_loss, drawn[0][0], [(x, y) for _, x, y in drawn], 0.3))
    praise = "right: one step down the mean over tasks, whatever their number"
    return judge(attempt, step(), mistakes, problems, praise=praise)


def _off(snippet: Callable) -> float:
    """How far a gradient's slope along a direction is from the measured one, relatively."""
    (theta, *support), (direction, *query) = regressions(2)
    rate, small = 0.1, 1e-5

    def objective(step: float) -> Tensor:
        moved = {n: p.detach() + step * direction[n].detach() for n, p in theta.items()}
        grads = grad(mse)(moved, *support)
        return mse({n: p - rate * grads[n] for n, p in moved.items()}, *query)

    measured = (objective(small) - objective(-small)) / (2 * small)
    gradient = snippet(mse, theta, support, query, rate)
    slope = sum((gradient[n].detach() * direction[n].detach()).sum() for n in theta)
    return abs(float(slope / measured - 1))


def _as_gradient(function: Callable) -> Callable:
    """`function` with its scalar result under a name, so that `through` can differentiate it."""

    def named(*arguments):
        result = function(*arguments)
        return {"loss": result} if isinstance(result, Tensor) and not result.shape else result

    return through(named, "a scalar tensor, the loss")


def _quadratics() -> Iterator[tuple]:
    generator = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    for inner_steps in (1, 2, 5):
        curvatures = [a @ a.T + torch.eye(3, dtype=torch.float64) for a in normal(2, 3, 3)]
        (A_s, A_q), (theta, c_s, c_q) = curvatures, normal(3, 3)
        yield theta, A_s, c_s, A_q, c_q, 0.08, inner_steps
