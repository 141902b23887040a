"""Checks of lesson 15: the nearest neighbour, a choice on validation, a paired comparison."""

from functools import partial

import torch
from torch import Tensor

from maml_edu.exercises.common import NORMAL, Draws, paired
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_choice", "check_nearest_neighbour", "check_paired"]


@exercise("15.1", "the nearest neighbour")
def check_nearest_neighbour() -> Comparison:
    """`attempt(query, support, labels)`, (queries, features), (drawings, features) and (drawings,),
    -> the label of the nearest support drawing of each query, (queries,)."""

    def distances(query, support):
        return (query[:, None] - support).square().sum(2)

    def right(query, support, labels, far=distances):
        return labels[far(query, support).argmin(1)]

    def nearest_mean(query, support, labels):
        classes = labels.unique()
        means = torch.stack([support[labels == c].mean(0) for c in classes])
        return classes[distances(query, means).argmin(1)]

    mistakes = {
        "this is the number of the nearest drawing; its label is asked for": (
            lambda q, s, y: distances(q, s).argmin(1)
        ),
        "this is the farthest drawing's label": lambda q, s, y: y[distances(q, s).argmax(1)],
        "this is the nearest prototype, the mean of a class; take single drawings": nearest_mean,
        "the largest dot product is no distance: a long vector is near to everybody": partial(
            right, far=lambda q, s: -q @ s.T
        ),
        "a label for each query is asked for; this has one for each support drawing": (
            lambda q, s, y: y[distances(q, s).argmin(0)]
        ),
        "these are the distances; return labels": lambda q, s, y: distances(q, s),
    }
    problems = []
    for seed, (queries, way) in enumerate([(7, 3), (9, 4), (8, 5)]):
        draws = Draws(seed)
        labels = torch.arange(3 * way) % way
        support = draws.normal(3 * way, 2) * (1 + torch.arange(3 * way)[:, None] / way)
        problems.append((draws.normal(queries, 2), support, labels.flip(0)))
    return Comparison(right, mistakes, problems, "right: the label of the nearest drawing")


@exercise("15.2", "find the bug: what was chosen, and on what?")
def check_choice() -> Comparison:
    """`attempt(validation, test)`, both (candidates, inner steps + 1) accuracies -> (candidate,
    inner step, the accuracy to report)."""

    def chosen(scores: Tensor) -> tuple[int, int]:
        return divmod(int(scores.argmax()), scores.shape[1])

    def right(validation, test):
        one, step = chosen(validation)
        return one, step, test[one, step]

    def on_test(validation, test):
        one, step = chosen(test)
        return one, step, test[one, step]

    def step_on_test(validation, test):
        one, _ = chosen(validation)
        step = int(test[one].argmax())
        return one, step, test[one, step]

    def last_step(validation, test):
        one = int(validation[:, -1].argmax())
        return one, validation.shape[1] - 1, test[one, -1]

    def reports_validation(validation, test):
        one, step = chosen(validation)
        return one, step, validation[one, step]

    mistakes = {
        "it chooses on the test tasks, so what it reports is the luckiest of many: choose on "
        "validation, report on test": on_test,
        "the candidate is chosen on validation, but its inner step on test": step_on_test,
        "it reports the validation accuracy of its choice, which is lucky as well: report the test "
        "accuracy": reports_validation,
        "the inner step is chosen as well, not only the candidate": last_step,
        "it chooses the worst": lambda v, t: right(-v, t),
    }
    problems = []
    for seed, (candidates, steps) in enumerate([(4, 3), (5, 4), (3, 6)]):
        draws = Draws(seed)
        problems.append((draws.uniform(candidates, steps), draws.uniform(candidates, steps)))
    return Comparison(right, mistakes, problems, "right: chosen on validation, reported on test")


@exercise("15.3", "a comparison, paired by task")
def check_paired() -> Comparison:
    """`attempt(one, other)`, (tasks,) accuracies on the same tasks -> the mean of one minus other,
    and the half-width of its 95% interval."""

    def unpaired(one, other):
        spread = (one.var() / len(one) + other.var() / len(other)).sqrt()
        return one.mean() - other.mean(), NORMAL * spread

    def added(one, other):
        return one.mean() - other.mean(), NORMAL * (one.std() + other.std()) / len(one) ** 0.5

    mistakes = {
        "this is the unpaired interval, as if the two had different tasks: take the difference "
        "task by task first, then its spread": unpaired,
        "the two half-widths are added up; take the difference of each task, and its spread": added,
        "the sign is flipped: one minus other": lambda a, b: paired(b, a),
        "this is the whole width; give half of it": partial(paired, factor=2 * NORMAL),
        "one standard error holds the mean 68 times in 100; take 1.96": partial(paired, factor=1.0),
        "this is the spread of single tasks; divide by the root of their number": (
            lambda a, b: paired(a, b, factor=NORMAL * len(a) ** 0.5)
        ),
        "differences keep their signs: take no absolute values": (
            lambda a, b: paired((a - b).abs(), torch.zeros_like(b))
        ),
    }
    problems = []
    for seed, tasks in enumerate([20, 35, 50]):
        draws = Draws(seed)
        hard = draws.uniform(tasks)
        problems.append((hard + 0.1 * draws.normal(tasks), hard + 0.1 * draws.normal(tasks)))
    return Comparison(paired, mistakes, problems, "right: the spread of the differences")
