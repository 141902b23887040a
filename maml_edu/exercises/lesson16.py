"""Checks of lesson 16: how many are enough, a sampler that leaks, what a label gives away."""

from collections.abc import Callable

import torch
from torch import Tensor

from maml_edu.exercises.common import Draws
from maml_edu.exercises.difference import kind, numbers
from maml_edu.exercises.judge import Comparison, Fault, Inspection
from maml_edu.exercises.solved import exercise

__all__ = ["check_deal_anew", "check_enough", "check_guessable", "check_mended_sampler"]


@exercise("16.1", "how many are enough")
def check_enough() -> Comparison:
    """`attempt(sizes, accuracy, margin)` -> the smallest of sizes, (sizes,) ascending, from which
    on every mean over the seeds of accuracy, (sizes, seeds), is at most `margin` below the last."""

    def right(sizes: Tensor, accuracy: Tensor, margin: float) -> Tensor:
        mean = accuracy.mean(1)
        far = (mean < mean[-1] - margin).nonzero().flatten()
        return sizes[int(far[-1]) + 1 if len(far) else 0]

    def first(sizes, accuracy, margin):
        mean = accuracy.mean(1)
        return sizes[(mean >= mean[-1] - margin).nonzero()[0, 0]]

    def of_seeds(reduce: Callable) -> Callable:
        return lambda sizes, accuracy, margin: right(sizes, reduce(accuracy)[:, None], margin)

    def below_the_best(sizes, accuracy, margin):
        mean = accuracy.mean(1)
        far = (mean < mean.max() - margin).nonzero()[-1, 0]
        return sizes[min(int(far) + 1, len(sizes) - 1)]

    mistakes = {
        "it takes the first size that comes near, though a larger one falls behind again": first,
        "it looks at the luckiest seed; take the mean over the seeds": of_seeds(
            lambda a: a.amax(1)
        ),
        "it looks at one seed alone; take the mean over the seeds": of_seeds(lambda a: a[:, 0]),
        "it compares with the best of the sizes; the last was asked for": below_the_best,
        "it gives the size's index; return the size itself": (
            lambda sizes, accuracy, margin: (sizes == right(sizes, accuracy, margin)).nonzero()[
                0, 0
            ]
        ),
    }
    sizes = torch.tensor([10, 25, 60, 150, 400, 1100])
    spread = torch.tensor([-0.01, 0.04, -0.03], dtype=torch.float64)

    def problem(means: list[float], margin: float) -> tuple[Tensor, Tensor, float]:
        return sizes, torch.tensor(means, dtype=torch.float64)[:, None] + spread, margin

    def moved(accuracy: Tensor, size: int, *by: float) -> Tensor:
        """One size's seeds moved apart; the mean stays."""
        changed = accuracy.clone()
        changed[size] += torch.tensor(by)
        return changed

    plain = problem([0.5, 0.6, 0.7, 0.78, 0.8, 0.81], 0.02)
    back = problem([0.5, 0.75, 0.6, 0.7, 0.74, 0.75], 0.02)
    falls = problem([0.5, 0.7, 0.74, 0.8, 0.75, 0.76], 0.03)
    lucky = sizes, moved(plain[1], 2, -0.2, 0.3, -0.1), 0.05
    unlucky = sizes, moved(plain[1], 3, -0.3, 0.2, 0.1), 0.05
    return Comparison(
        right, mistakes, [plain, back, falls, lucky, unlucky],
        "right: from there on, more characters add less than the margin",
    )  # fmt: skip


@exercise("16.2", "find the bug")
def check_mended_sampler() -> Inspection:
    """`attempt(characters, way, generator)` -> (way,), different characters in the order of their
    labels, dealt anew. characters: (n,), those allowed."""

    def inspect(attempt, characters, way, seed):
        def made(generator):
            found = numbers(attempt(characters, way, generator))
            if found is None or found.is_floating_point() or found.shape != (way,):
                raise Fault(f"return `way` of the characters, in the order of their labels: {way}")
            if not torch.isin(found, characters).all():
                raise Fault("some are not in `characters`: are these their places in the list?")
            if len(found.unique()) < way:
                raise Fault("one character has two labels in a task: draw without replacement")
            return found

        generator = torch.Generator().manual_seed(seed)
        first, again = made(generator), made(torch.Generator().manual_seed(seed))
        if not torch.equal(first, again):
            return "the same seed gives another task: hand generator=generator to every draw"
        many = torch.stack([first, *(made(generator) for _ in range(600))])
        return _fault_of_labels(many, characters, way)

    problems = [(torch.arange(40, 48), 5, 0), (torch.tensor([9, 2, 30, 7, 11, 4]), 4, 1)]
    return Inspection(inspect, problems, "right: a label says nothing about its character")


def _fault_of_labels(many: Tensor, characters: Tensor, way: int) -> str:
    """What shows over many tasks, (tasks, way), each of them sound."""
    if (many == many[0]).all():
        return "every call gives the same task: a generator that moves on must give new ones"
    often = torch.stack([(many == c).float().sum(0) for c in characters])  # (characters, way)
    expected = len(many) / len(characters)
    if ((often - expected).abs() <= 6 * expected**0.5).all():
        return ""
    if (often.sum(1) - way * expected).abs().max() > 6 * (way * expected) ** 0.5:
        return "some characters come more often than others; each must have the same chance"
    if (many.sort(1).values == many).all() or (many.sort(1, descending=True).values == many).all():
        return "it still leaks: the labels follow the order of the characters. Where is that made?"
    return "it still leaks: some characters have some labels more often than others"


@exercise("16.3", "what a label gives away")
def check_guessable() -> Comparison:
    """`attempt(known, new, n_characters, way)` -> how often the label of a character in `new`,
    (tasks, way) characters in the order of their labels, is guessed from `known`, likewise, by the
    label that it had most often there (the lowest of several; 0 for one that is not in it)."""

    def right(known: Tensor, new: Tensor, n_characters: int, way: int) -> Tensor:
        labels = torch.arange(way).expand_as(new)
        return (_most_often(known, n_characters, way)[new] == labels).double().mean()

    def on_itself(known, new, n_characters, way):
        return right(new, new, n_characters, way)

    def last_seen(known, new, n_characters, way):
        table = torch.zeros(n_characters, dtype=torch.long)
        for task in known:
            table[task] = torch.arange(way)
        return (table[new] == torch.arange(way).expand_as(new)).double().mean()

    mistakes = {
        "the table is made from the tasks that it is tried on: of course it fits them": (
            on_itself,
            lambda known, new, *sizes: right(torch.cat([known, new]), new, *sizes),
            lambda known, new, *sizes: right(known, known, *sizes),
        ),
        "it takes the label that a character had last; take the one it had most often": last_seen,
        "it counts the wrong guesses": lambda *given: 1 - right(*given),
        "it gives how many are right; the share was asked for": (
            lambda known, new, *sizes: right(known, new, *sizes) * new.numel()
        ),
    }

    draws = Draws(0).generator

    def tasks(n: int, characters: int, way: int, fixed: bool) -> Tensor:
        if fixed:
            groups = torch.randint(characters // way, (n, way), generator=draws)
            return groups * way + torch.arange(way)
        return torch.rand(n, characters, generator=draws).topk(way).indices

    problems = [
        (tasks(30, 12, 4, False), tasks(11, 12, 4, False), 12, 4),
        (tasks(25, 10, 5, True), tasks(9, 10, 5, True), 10, 5),
        (tasks(20, 8, 4, False).sort(1).values, tasks(7, 8, 4, False).sort(1).values, 8, 4),
    ]
    return Comparison(right, mistakes, problems, "right: this is what theta alone could know")


def _most_often(tasks: Tensor, n_characters: int, way: int) -> Tensor:
    """The label that each character had most often, (n_characters,): the lowest of several."""
    often = torch.zeros(n_characters, way)
    for label in range(way):
        often[:, label] = tasks[:, label].bincount(minlength=n_characters)
    return often.argmax(1)


@exercise("16.4", "deal the labels anew")
def check_deal_anew() -> Inspection:
    """`attempt(support_y, query_y, way, generator)` -> both with the labels of each task dealt
    anew. support_y, query_y: (tasks, samples), labels 0 to way - 1."""

    def inspect(attempt, support_y, query_y, way, seed):
        def made(generator):
            both = attempt(support_y, query_y, way, generator)
            if not isinstance(both, list | tuple) or len(both) != 2:
                raise Fault(f"return two: support_y and query_y; this returns {kind(both)}")
            parts = [numbers(part) for part in both]
            for part, old in zip(parts, (support_y, query_y), strict=True):
                if part is None or part.is_floating_point() or part.shape != old.shape:
                    raise Fault("return the labels of each sample, whole numbers of the same shape")
                if part.dtype == torch.bool or part.min() < 0 or part.max() >= way:
                    raise Fault(f"a label is a number from 0 to {way - 1}")
            return [part.long() for part in parts]

        generator = torch.Generator().manual_seed(seed)
        first, again = made(generator), made(torch.Generator().manual_seed(seed))
        if any(not torch.equal(a, b) for a, b in zip(first, again, strict=True)):
            return "the same seed deals otherwise: hand generator=generator to every draw"
        return _fault_of_dealing((support_y, query_y), first, way)

    def labels(n_tasks: int, way: int, samples: int, seed: int) -> Tensor:
        order = Draws(seed).uniform(n_tasks, way * samples).argsort(1)
        return torch.arange(way).repeat(samples)[order]

    problems = [(labels(400, 5, 1, 0), labels(400, 5, 3, 1), 5, 0),
                (labels(300, 3, 2, 2), labels(300, 3, 2, 3), 3, 1)]  # fmt: skip
    return Inspection(inspect, problems, "right: the same tasks, and theta cannot know the labels")


def _fault_of_dealing(old: tuple[Tensor, Tensor], new: list[Tensor], way: int) -> str:
    """What is wrong with labels, (tasks, samples), that were dealt anew, support and query."""
    keys = [_key(before, after, way) for before, after in zip(old, new, strict=True)]
    if any(key is None for key in keys):
        return "samples of one character get different labels: deal labels, not samples"
    support, query = keys
    if (support.sort(1).values != torch.arange(way)).any():
        return "two characters of a task get the same label: deal a permutation of the labels"
    if not torch.equal(support, query):
        return "a character has one label in the support set and another in the query set"
    if (support == support[0]).all():
        return "the labels change in the same way in all tasks: then they are as fixed as before"
    often = torch.stack([(support == label).float().sum(0) for label in range(way)])
    expected = len(support) / way
    if ((often - expected).abs() > 6 * expected**0.5).any():
        return "some labels stay where they were too often; each of the ways must be as likely"
    shifts = (support - torch.arange(way)) % way
    if (shifts == shifts[:, :1]).all():
        return "it only turns the labels round: 1 still comes after 0. Deal a whole permutation"
    return ""


def _key(before: Tensor, after: Tensor, way: int) -> Tensor | None:
    """The new label of each old one, (tasks, way); None where one has several in a task."""
    key = torch.zeros(len(before), way, dtype=torch.long).scatter_(1, before, after)
    return key if torch.equal(key.gather(1, before), after) else None
