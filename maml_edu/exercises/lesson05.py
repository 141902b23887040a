"""Checks of lesson 05: FOMAML's gradient, Reptile's outer step, the weights of MAML++."""

import torch
from torch.func import grad

from maml_edu.exercises.common import adapted, few_shot, mse, one_theta, regressions, wrong_sets
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_first_order", "check_reptile_step", "check_step_weights"]


@exercise("05.1", "FOMAML")
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

    mistakes = {
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


@exercise("05.3", "the weights of MAML++")
def check_step_weights() -> Comparison:
    """`attempt(done, inner_steps)` -> weights (inner_steps,), a tensor or a list.

    done: the share of the annealing that is over, 0 to 1.
    """
    floor = 0.03

    def weights(each, inner_steps, last=None):
        """Equal weights for all steps but the last, which has the rest by default."""
        rest = 1 - (inner_steps - 1) * each if last is None else last
        return torch.tensor([each] * (inner_steps - 1) + [rest], dtype=torch.float64)

    def share(done, k):
        return max(1 - done, floor) / k

    mistakes = {
        "sum to 1: the last step takes the rest": lambda d, k: weights(share(d, k), k, last=1 / k),
        "the others sink to 0: keep 0.03 of the equal part": lambda d, k: weights((1 - d) / k, k),
        "the floor is 0.03 / inner_steps": lambda d, k: weights(max((1 - d) / k, floor), k),
        "the weight moves away from the last step": lambda d, k: weights(max(d, floor) / k, k),
        "the weight moves to the first step": lambda d, k: weights(share(d, k), k).flip(0),
        "the weights stay equal; they should move to the last step": lambda d, k: weights(1 / k, k),
        "only the last step has weight: that is MAML's loss": lambda d, k: weights(0.0, k),
    }
    problems = [(0.25, 4), (0.0, 5), (1.0, 3), (0.9, 2), (0.99, 6), (0.5, 1)]
    praise = "right: they sum to 1, begin equal, and move to the last step"
    return Comparison(lambda d, k: weights(share(d, k), k), mistakes, problems, praise)
