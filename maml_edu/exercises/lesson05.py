"""Checks of lesson 05: a bug in FOMAML, Reptile's outer step, a paired comparison."""

import math
from functools import partial

import torch
from torch.func import grad

from maml_edu.exercises.common import (
    NORMAL,
    Draws,
    adapted,
    few_shot,
    mse,
    one_theta,
    paired,
    regressions,
    wrong_sets,
)
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_first_order", "check_paired_gap", "check_reptile_step"]


@exercise("05.1", "find the bug")
def check_first_order() -> Comparison:
    """`attempt(loss_fn, theta, support, query, inner_lr, inner_steps)` -> FOMAML's gradient of one
    task, name -> tensor."""

    def right(loss_fn, theta, support, query, inner_lr, inner_steps):
        return grad(loss_fn)(adapted(loss_fn, theta, support, inner_lr, inner_steps), *query)

    def second_order(loss_fn, theta, support, query, *how):
        return grad(lambda t: loss_fn(adapted(loss_fn, t, support, *how), *query))(theta)

    def way_back(loss_fn, theta, support, query, *how):
        end = adapted(loss_fn, theta, support, *how)
        return {n: p - end[n] for n, p in theta.items()}

    def piled(loss_fn, theta, support, query, inner_lr, inner_steps, *, inside, outside):
        """As an optimiser's gradients add up: over the inner steps, and into the query's."""
        state, pile = theta, {n: torch.zeros_like(p) for n, p in theta.items()}
        for _ in range(inner_steps):
            slope = grad(loss_fn)(state, *support)
            pile = {n: slope[n] + (pile[n] if inside else 0) for n in theta}
            state = {n: p - inner_lr * pile[n] for n, p in state.items()}
        end = grad(loss_fn)(state, *query)
        return {n: end[n] + (pile[n] if outside else 0) for n in theta}

    mistakes = {
        "the gradients still add up, from step to step and into the query's": partial(
            piled, inside=True, outside=True
        ),
        "the last inner step's gradient is still in the query's": partial(
            piled, inside=False, outside=True
        ),
        "the inner steps' gradients still add up": partial(piled, inside=True, outside=False),
        "this is MAML's gradient, through the inner steps: cut the graph": second_order,
        "the gradient is taken at theta, not after the inner steps": lambda *p: right(*p[:-1], 0),
        **wrong_sets(right),
        "one inner step is taken, where inner_steps were asked for": lambda *p: right(*p[:-1], 1),
        "stale parameters: all gradients at theta": lambda *p: right(*p[:-2], p[-2] * p[-1], 1),
        "this is the way from adapted back to theta, which is Reptile's": way_back,
        "the sign is flipped": lambda *p: {n: -g for n, g in right(*p).items()},
    }
    problems = [(mse, *p, 0.07, k) for p, k in zip(few_shot(3), (2, 3, 5), strict=True)]
    return Comparison(right, mistakes, problems, "right: the query gradient after the inner steps")


@exercise("05.2", "Reptile")
def check_reptile_step() -> Comparison:
    """`attempt(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr)` -> theta after one outer
    step. tasks: a list of (x, y)."""

    def right(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
        ends = [adapted(loss_fn, theta, task, inner_lr, inner_steps) for task in tasks]
        return {n: p + meta_lr * sum(e[n] - p for e in ends) / len(ends) for n, p in theta.items()}

    def last_step(loss_fn, theta, tasks, inner_lr, k, meta_lr):
        """What the last inner step of each task added, in place of all of them."""
        whole, less = (right(loss_fn, theta, tasks, inner_lr, n, meta_lr) for n in (k, k - 1))
        return {n: p + whole[n] - less[n] for n, p in theta.items()}

    def one_by_one(loss_fn, theta, tasks, *sizes):
        for task in tasks:
            theta = right(loss_fn, theta, [task], *sizes)
        return theta

    mistakes = {
        "the sign is flipped: this steps away": lambda *p: right(*p[:-1], -p[-1]),
        "with one inner step Reptile is joint training": lambda *p: right(*p[:-2], 1, p[-1]),
        "only the last inner step counts here; Reptile goes along the whole way": last_step,
        "sum over tasks; take their mean": lambda *p: right(*p[:-1], p[-1] * len(p[2])),
        "this goes the whole way; go the share meta_lr of it": lambda *p: right(*p[:-1], 1.0),
        "theta moves after each task; let all tasks start from the same theta": one_by_one,
        "only the last task counts": lambda f, t, tasks, *sizes: right(f, t, tasks[-1:], *sizes),
        "the way is divided by inner_lr; leave it whole": lambda *p: right(*p[:-1], p[-1] / p[3]),
    }
    problems = [(mse, *one_theta(regressions(n)), 0.07, k, 0.3) for n, k in ((2, 3), (4, 5))]
    return Comparison(right, mistakes, problems, "right: a share of the tasks' average way")


@exercise("05.3", "pair the comparison")
def check_paired_gap() -> Comparison:
    """`attempt(errors, reference)` -> the mean difference of each seed, and the half-width of its
    95% interval, (seeds,) each. errors, reference: (seeds, waves), on the same waves."""

    right = partial(paired, dim=1)

    def apart(errors, reference, join):
        """As if the two had met different waves."""
        both = [NORMAL * e.std(1) / math.sqrt(e.shape[1]) for e in (errors, reference)]
        return (errors - reference).mean(1), join(*both)

    def pooled(errors, reference):
        return right(errors.flatten()[None], reference.flatten()[None])

    def undivided(errors, reference):
        gap, half_width = right(errors, reference)
        return gap, half_width * math.sqrt(errors.shape[1])

    mistakes = {
        "the sign is flipped: it is errors minus reference": lambda e, r: right(r, e),
        "the interval is one for two sets of waves; subtract wave by wave first": (
            partial(apart, join=torch.hypot),
            partial(apart, join=torch.add),
            partial(apart, join=lambda a, b: (a - b).abs()),
        ),
        "the seeds are pooled; give each its own gap": (
            pooled,
            lambda e, r: tuple(part[0] for part in pooled(e, r)),
        ),
        "this is over the seeds; take the waves of each seed": paired,
        "this is the spread of single waves; the mean's is smaller by the root of their number": (
            undivided
        ),
        "this is one standard error; the interval takes 1.96 of them": partial(right, factor=1),
    }
    draws, problems = Draws(5), []
    for seeds, waves in ((3, 50), (5, 20)):
        shared = draws.normal(seeds, waves).exp()  # a hard wave is hard for both
        problems.append((shared + 0.1 * draws.uniform(seeds, waves), 0.9 * shared))
    return Comparison(right, mistakes, problems, "right: what both share drops out")
