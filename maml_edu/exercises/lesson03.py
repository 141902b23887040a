"""Checks of lesson 03: second order, the Jacobian product, MAML's task loss, the outer step."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.func import grad

from maml_edu.exercises.common import (
    FIRST_ORDER,
    Draws,
    adapted,
    few_shot,
    mse,
    one_theta,
    regressions,
    traced,
    wrong_sets,
)
from maml_edu.exercises.difference import shown
from maml_edu.exercises.judge import OPEN, Comparison, Verdict
from maml_edu.exercises.solved import exercise, tracked

__all__ = ["check_jacobian_product", "check_outer_step", "check_second_order", "check_task_loss"]


@tracked("03.1", "which one is second-order?")
def check_second_order(answer: str, **snippets: Callable) -> Verdict:
    """Judge which of `snippets` gives MAML's true gradient, by measuring each of them.

    snippets: name -> `(loss_fn, theta, support, query, inner_lr) -> gradient, name -> tensor`,
        measured against central finite differences along a random direction.
    """
    if answer is None or answer is ...:
        return OPEN
    names = ", ".join(map(repr, snippets))
    if not isinstance(answer, str) or answer not in snippets:
        return Verdict("wrong", f"{shown(answer)} is none of {names}")
    off = {}
    for name, snippet in snippets.items():
        try:
            off[name] = _off(snippet)
        except Exception as error:  # a reader may have changed the snippets
            return Verdict("wrong", f"snippet {name} gives no gradient: {type(error).__name__}")
    if off[answer] < 1e-4:
        others = ", ".join(f"{name} by {gap:.0%}" for name, gap in off.items() if name != answer)
        return Verdict("right", f"{answer} equals finite differences; off are {others}")
    measured = f"measured against finite differences, {answer} is off by {off[answer]:.0%}"
    return Verdict("wrong", f"{measured}: a part of the graph was cut")


def _off(snippet: Callable) -> float:
    """How far a gradient's slope along a direction is from the measured one, relatively."""
    (theta, *support), (direction, *query) = regressions(2)
    rate, small = 0.1, 1e-5

    def objective(step: float) -> Tensor:
        moved = {n: p.detach() + step * direction[n].detach() for n, p in theta.items()}
        return mse(adapted(mse, moved, support, rate), *query)

    measured = (objective(small) - objective(-small)) / (2 * small)
    gradient = snippet(mse, theta, support, query, rate)
    slope = sum((gradient[n].detach() * direction[n].detach()).sum() for n in theta)
    return abs(float(slope / measured - 1))


@exercise("03.2", "the product of Jacobians")
def check_jacobian_product() -> Comparison:
    """`attempt(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps)` -> the meta-gradient, a vector.

    The support loss is (theta - c_s)' A_s (theta - c_s) / 2, and the query loss likewise.
    """

    def right(theta, A_s, c_s, A_q, c_q, inner_lr, k, **other):
        """other: what a mistake has in place of k factors, of A_s, or of `adapted`."""
        one, power = torch.eye(len(theta), dtype=theta.dtype), torch.matrix_power
        adapted = c_s + power(one - inner_lr * A_s, k) @ (theta - c_s)
        factor = one - inner_lr * other.get("curvature", A_s)
        outer = A_q @ (other.get("at", adapted) - c_q)
        return power(factor, other.get("factors", k)) @ outer

    mistakes = {
        "this is first-order: the product (I - inner_lr A_s) is missing": partial(right, factors=0),
        "there is one factor; take one for every inner step": partial(right, factors=1),
        "one factor too many: one for every inner step": lambda *p: right(*p, factors=p[-1] + 1),
        "the query gradient is taken at theta, not after adapting": lambda *p: right(*p, at=p[0]),
        "the factors have a plus sign: (I + inner_lr A_s)": lambda *p: right(*p, curvature=-p[1]),
        "the factors hold A_q; inner steps take A_s": lambda *p: right(*p, curvature=p[3]),
    }
    draws, problems = Draws(3), []
    for inner_steps in (1, 2, 5):
        A_s, A_q = (a @ a.T + torch.eye(3, dtype=a.dtype) for a in draws.normal(2, 3, 3))
        theta, c_s, c_q = draws.normal(3, 3)
        problems.append((theta, A_s, c_s, A_q, c_q, 0.08, inner_steps))
    return Comparison(right, mistakes, problems, "right, for every number of inner steps")


@exercise("03.3", "MAML's loss, by heart")
def check_task_loss() -> Comparison:
    """`attempt(loss_fn, theta, support, query, inner_lr)` -> MAML's loss of one task after one
    inner step, judged by its value and by its gradient with respect to theta."""

    def right(loss_fn, theta, support, query, inner_lr, first_order=False):
        return loss_fn(adapted(loss_fn, theta, support, inner_lr, first_order=first_order), *query)

    mistakes = {
        "this is pre-training: the loss has nothing adapted in it": lambda f, t, s, q, lr: f(t, *q),
        "the loss is taken at theta, on the support set": lambda f, t, s, q, lr: f(t, *s),
        **wrong_sets(right),
        FIRST_ORDER: partial(right, first_order=True),
    }
    problems = [(mse, *problem, 0.1) for problem in few_shot(3)]
    return Comparison(right, mistakes, problems, "right: the query loss, with its graph", traced)


@exercise("03.4", "one outer step")
def check_outer_step() -> Comparison:
    """`attempt(task_loss, theta, tasks, meta_lr)` -> theta after one outer step of gradient descent
    on the mean over `tasks` (a list) of `task_loss(theta, task)`."""

    def right(task_loss, theta, tasks, meta_lr):
        def objective(theta):
            return sum(task_loss(theta, task) for task in tasks) / len(tasks)

        grads = grad(objective)(theta)
        return {n: (p - meta_lr * grads[n]).detach() for n, p in theta.items()}

    def one_by_one(task_loss, theta, tasks, meta_lr):
        for task in tasks:
            theta = right(task_loss, theta, [task], meta_lr)
        return theta

    mistakes = {
        "sum over tasks; take their mean": lambda f, t, ts, r: right(f, t, ts, r * len(ts)),
        "the sign is flipped: this climbs the meta-loss": lambda f, t, ts, r: right(f, t, ts, -r),
        "theta moves after each task; take one step for all tasks together": one_by_one,
        "only the last task counts": lambda f, t, ts, r: right(f, t, ts[-1:], r),
    }

    def task_loss(theta, task):
        support, query = task
        return mse(adapted(mse, theta, support, 0.1), *query)

    problems = [(task_loss, *one_theta(few_shot(n)), 0.3) for n in (2, 4)]
    return Comparison(right, mistakes, problems, "right: one step down the mean over tasks")
