"""Checks of lesson 03: second order, the Jacobian product, MAML's task loss, the outer step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad

from maml_edu.exercises.common import (
    FIRST_ORDER,
    Draws,
    adapted,
    mse,
    regressions,
    traced_loss,
    wrong_sets,
)
from maml_edu.exercises.difference import shown
from maml_edu.exercises.judge import OPEN, Comparison, Verdict
from maml_edu.exercises.solved import exercise, tracked

__all__ = [
    "check_jacobian_product",
    "check_outer_step",
    "check_second_order",
    "check_task_loss",
]


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

    def parts(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
        """One factor of the product, and the query gradient at the adapted parameters."""
        factor = torch.eye(len(theta), dtype=theta.dtype) - inner_lr * A_s
        adapted = c_s + torch.matrix_power(factor, inner_steps) @ (theta - c_s)
        return factor, A_q @ (adapted - c_q)

    def with_factors(number):
        def product(*problem):
            factor, outer = parts(*problem)
            return torch.matrix_power(factor, number(problem[-1])) @ outer

        return product

    def at_theta(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
        factor, _ = parts(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps)
        return torch.matrix_power(factor, inner_steps) @ A_q @ (theta - c_q)

    def plus(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
        factor, outer = parts(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps)
        one = torch.eye(len(theta), dtype=theta.dtype)
        return torch.matrix_power(2 * one - factor, inner_steps) @ outer

    def of_the_query(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
        factor, _ = parts(theta, A_q, c_s, A_q, c_q, inner_lr, inner_steps)
        _, outer = parts(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps)
        return torch.matrix_power(factor, inner_steps) @ outer

    mistakes = {
        "this is the first-order gradient: the product of (I - inner_lr A_s) is missing": (
            with_factors(lambda k: 0)
        ),
        "one factor (I - inner_lr A_s) is there; it takes one for every inner step": (
            with_factors(lambda k: 1)
        ),
        "one factor too many: there is one for each inner step": with_factors(lambda k: k + 1),
        "the query gradient is taken at theta, not at the adapted parameters": at_theta,
        "the factors have a plus sign: (I + inner_lr A_s)": plus,
        "the factors hold A_q; the inner steps went down the support loss": of_the_query,
    }
    draws, problems = Draws(3), []
    for inner_steps in (1, 2, 5):
        A_s, A_q = (a @ a.T + torch.eye(3, dtype=a.dtype) for a in draws.normal(2, 3, 3))
        theta, c_s, c_q = draws.normal(3, 3)
        problems.append((theta, A_s, c_s, A_q, c_q, 0.08, inner_steps))
    praise = "right, for every number of inner steps"
    return Comparison(with_factors(lambda k: k), mistakes, problems, praise)


@exercise("03.3", "MAML's loss, by heart")
def check_task_loss() -> Comparison:
    """`attempt(loss_fn, theta, support, query, inner_lr)` -> MAML's loss of one task after one
    inner step, judged by its value and by its gradient with respect to theta."""

    def right(loss_fn, theta, support, query, inner_lr, first_order=False):
        return loss_fn(adapted(loss_fn, theta, support, inner_lr, first_order=first_order), *query)

    mistakes = {
        "this is pre-training: the loss is taken at theta, with no adapted parameters in it": (
            lambda loss_fn, theta, support, query, inner_lr: loss_fn(theta, *query)
        ),
        "the loss is taken at theta, on the support set": (
            lambda loss_fn, theta, support, query, inner_lr: loss_fn(theta, *support)
        ),
        **wrong_sets(right),
        FIRST_ORDER: lambda *problem: right(*problem, first_order=True),
    }
    problems = [
        (mse, theta, (x[:5], y[:5]), (x[5:], y[5:]), 0.1)
        for theta, x, y in regressions(3, samples=12)
    ]
    praise = "right: the query loss of the adapted parameters, with the inner step's graph in it"
    return Comparison(right, mistakes, problems, praise, traced_loss)


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
        "sum over tasks where the mean was asked for: meta_lr now depends on their number": (
            lambda loss, theta, tasks, rate: right(loss, theta, tasks, rate * len(tasks))
        ),
        "the sign is flipped: this climbs the meta-loss": (
            lambda loss, theta, tasks, rate: right(loss, theta, tasks, -rate)
        ),
        "theta moves after each task; take one step for all tasks together": one_by_one,
        "only the last task counts": (
            lambda loss, theta, tasks, rate: right(loss, theta, tasks[-1:], rate)
        ),
        "only the first task counts": (
            lambda loss, theta, tasks, rate: right(loss, theta, tasks[:1], rate)
        ),
    }

    def task_loss(theta, task):
        x, y = task
        return mse(adapted(mse, theta, (x[:3], y[:3]), 0.1), x[3:], y[3:])

    problems = []
    for n_tasks in (2, 4):
        drawn = list(regressions(n_tasks))
        problems.append((task_loss, drawn[0][0], [(x, y) for _, x, y in drawn], 0.3))
    praise = "right: one step down the mean over tasks, whatever their number"
    return Comparison(right, mistakes, problems, praise)
