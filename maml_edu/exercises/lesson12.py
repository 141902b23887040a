"""Checks of lesson 12: what a freeze leaves at rest, paired tasks, how far a layer moves, CKA."""

import math
from functools import partial

import torch

from maml_edu.exercises.common import NORMAL, Draws, paired
from maml_edu.exercises.judge import Comparison, Inspection
from maml_edu.exercises.solved import exercise
from maml_edu.inner import adapt

__all__ = ["check_cka", "check_freeze", "check_moved", "check_paired_cost"]


@exercise("12.1", "a freeze that freezes nothing")
def check_freeze() -> Inspection:
    """`attempt(theta, part, inner_lr)` -> the rates to adapt with, by name, so that what belongs to
    the part rests and all else moves at inner_lr; judged by what moves."""

    def inspect(attempt, theta, part, inner_lr):
        rates = attempt(theta, part, inner_lr)
        after = adapt(_pulled, theta, None, None, inner_lr=rates, inner_steps=1)[-1]
        whole = {name: p - inner_lr for name, p in theta.items()}
        for name in theta:
            rests = torch.equal(after[name], theta[name])
            belongs = name.startswith(f"{part}.")
            if belongs and not rests:
                return (
                    f"{name} still moves when {part!r} is frozen: its name decides, not the part's"
                )
            if rests and not belongs:
                return f"{name} rests too, and it is no part of {part!r}: mind the dot in the names"
            if not belongs and not torch.allclose(after[name], whole[name]):
                return f"{name} does not move at inner_lr"
        return ""

    names = ("layers.1.weight", "layers.10.weight", "norms.1.bias", "head.weight", "header.bias")
    theta = {name: Draws(i).normal(2, 2) for i, name in enumerate(names)}
    problems = [(theta, part, 0.5) for part in ("head", "layers.1", "layers", "norms")]
    return Inspection(inspect, problems, "right: just this part rests")


def _pulled(theta, x, y):
    """A loss whose gradient is 1 everywhere."""
    return sum(p.sum() for p in theta.values())


@exercise("12.2", "pair the comparison")
def check_paired_cost() -> Comparison:
    """`attempt(all_move, frozen)` -> (mean, half_width): what the freeze costs on the same tasks,
    with its 95% interval. Both: (tasks,), the accuracy on each task."""

    def unpaired(a, b):
        return (a - b).mean(), NORMAL * ((a.var() + b.var()) / len(a)).sqrt()

    def by_n(a, b):
        mean, half_width = paired(a, b)
        return mean, half_width * math.sqrt(1 - 1 / len(a))

    mistakes = {
        "not paired: a hard task is hard for both, so take the difference task by task first": (
            unpaired
        ),
        "the interval is of the mean: divide by the root of the number of tasks": (
            lambda a, b: paired(a, b, factor=NORMAL * math.sqrt(len(a)))
        ),
        "the cost is what is lost: all that moves less what is frozen": (
            lambda a, b: (-paired(a, b)[0], paired(a, b)[1])
        ),
        "this is the standard error; 95% takes 1.96 of them": partial(paired, factor=1),
        "of a sample, the variance divides by n - 1": by_n,
        "this is the variance: take its root": (
            lambda a, b: (paired(a, b)[0], NORMAL * (a - b).var() / math.sqrt(len(a)))
        ),
    }
    problems = []
    for seed, n in enumerate((12, 40, 7)):
        draws = Draws(seed)
        hard = draws.uniform(n)
        problems.append((hard + 0.1 * draws.uniform(n), hard - 0.2 * draws.uniform(n)))
    return Comparison(paired, mistakes, problems, "right: the tasks' own difficulty cancels out")


@exercise("12.3", "how far a layer moves")
def check_moved() -> Comparison:
    """`attempt(before, after, names)` -> how far these parameters together moved, as a fraction of
    their norm before: a scalar. before, after: dicts, name -> tensor."""

    def right(before, after, names, by="before", minus=1.0):
        first = torch.cat([before[name].flatten() for name in names])
        last = torch.cat([after[name].flatten() for name in names])
        size = {"before": first.norm(), "after": last.norm(), "nothing": 1.0}[by]
        return (last - minus * first).norm() / size

    def by_tensor(before, after, names):
        each = [(after[n] - before[n]).norm() / before[n].norm() for n in names]
        return torch.stack(each).mean()

    def of_norms(before, after, names):
        sizes = [torch.cat([t[n].flatten() for n in names]).norm() for t in (before, after)]
        return (sizes[1] - sizes[0]).abs() / sizes[0]

    mistakes = {
        "a mean of ratios counts a bias of four numbers like a whole filter: join them": by_tensor,
        "this is the change of the norm; a weight that turns changes, and its norm does not": (
            of_norms
        ),
        "divide by the norm before, so that 0.1 means a tenth": partial(right, by="nothing"),
        "you divided by the norm after adapting": partial(right, by="after"),
        "subtract before from after": partial(right, minus=0.0),
        "all parameters are counted, not only those named": (
            lambda before, after, names: right(before, after, list(before))
        ),
    }
    problems = []
    for seed in range(3):
        draws = Draws(seed)
        shapes = {"a.weight": (4, 3), "a.bias": (4,), "b.weight": (2, 4)}
        before = {name: (i + 1) * draws.normal(*s) for i, (name, s) in enumerate(shapes.items())}
        after = {name: p + 0.3 * draws.normal(*p.shape) for name, p in before.items()}
        problems.append((before, after, ["a.weight", "a.bias"]))
    return Comparison(right, mistakes, problems, "right: tensors of any size, one number a layer")


@exercise("12.4", "linear CKA")
def check_cka() -> Comparison:
    """`attempt(x, y)` -> the linear CKA of two layers' features at the same samples, (samples, p)
    and (samples, q): a scalar between 0 and 1."""

    def uncentred(x, y):
        return (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())

    def of_centred(measure, dim=0):
        return lambda *both: measure(*(z - z.mean(dim, keepdim=True) for z in both))

    def feature_by_feature(x, y):
        n = min(x.shape[1], y.shape[1])
        return (x[:, :n] * y[:, :n]).sum() / (x[:, :n].norm() * y[:, :n].norm())

    right = of_centred(uncentred)
    mistakes = {
        "not centred: subtract each feature's mean over the samples, dim 0": uncentred,
        "centred over the features; centre over the samples, dim 0": of_centred(uncentred, dim=1),
        "it depends on the scale of the features": of_centred(lambda x, y: (y.T @ x).norm() ** 2),
        "this is the root of it: square the norm of y.T @ x": lambda x, y: right(x, y).sqrt(),
        "feature i meets only feature i; all pairs count: y.T @ x": of_centred(feature_by_feature),
    }
    problems = []
    for seed, (n, p, q) in enumerate([(12, 3, 3), (20, 4, 6), (9, 5, 2)]):
        draws = Draws(seed)
        x = draws.normal(n, p) + 2
        problems.append((x, 3 * x @ draws.normal(p, q) + draws.normal(n, q) - 1))
    return Comparison(right, mistakes, problems, "right: turns, order and scale do not count")
