"""Checks of lesson 07: an episode, the split by class, and the leaks."""

from collections.abc import Set

import torch
from torch import Tensor

from maml_edu.exercises.common import support_and_query
from maml_edu.exercises.difference import kind, numbers
from maml_edu.exercises.judge import Fault, Inspection
from maml_edu.exercises.solved import exercise
from maml_edu.tasks import TaskBatch

__all__ = ["check_draw_episode", "check_find_leaks", "check_split_by_class"]

N_CHARACTERS, N_DRAWINGS, DRAWS = 40, 20, 30


@exercise("10.1", "draw a task")
def check_draw_episode() -> Inspection:
    """`draw_episode(images, characters, way, shots, queries, generator)` -> (support_x, support_y),
    (query_x, query_y).

    images: (all characters, drawings, height, width); characters: indices of those allowed.
    """
    # Each picture is full of one number, which says whose drawing it is, and which one.
    number = torch.arange(N_CHARACTERS * N_DRAWINGS).view(N_CHARACTERS, N_DRAWINGS, 1, 1)
    images = number.expand(-1, -1, 3, 3).contiguous()

    def inspect(attempt, images, characters, way, shots, queries, seed):
        def made(generator):
            task = support_and_query(attempt(images, characters, way, shots, queries, generator))
            if fault := _fault_of_task(task, characters, way, shots, queries):
                raise Fault(fault)
            return task

        generator = torch.Generator().manual_seed(seed)
        first, again = made(generator), made(torch.Generator().manual_seed(seed))
        if not _equal(first, again):
            return "the same seed gives another task: pass generator=generator to every draw"
        return _fault_of_many([first, *(made(generator) for _ in range(DRAWS))], characters)

    upper, odd = torch.arange(20, 40), torch.arange(1, 40, 2)
    problems = [(images, upper, 5, 1, 3, 0), (images, odd, 4, 3, 2, 1), (images, odd, 6, 2, 18, 2)]
    return Inspection(inspect, problems, "right: new characters, drawings and labels in each task")


def _equal(task: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(task, other, strict=True))


def _fault_of_task(
    task: tuple[Tensor, ...], characters: Tensor, way: int, shots: int, queries: int
) -> str:
    """The first thing that is wrong with one task."""
    xs, ys, sizes = task[::2], task[1::2], (shots, queries)
    if [x.shape for x in xs] != [(way * n, 3, 3) for n in sizes]:
        return "support_x must be (way * shots, height, width), query_x (way * queries, …)"
    for y, n in zip(ys, sizes, strict=True):
        if y.is_floating_point() or sorted(y.flatten().tolist()) != sorted([*range(way)] * n):
            return "each set must hold each label, 0 to way - 1, equally often, as whole numbers"
    drawn = [x[:, 0, 0].long() for x in xs]
    keys = [_key(y, one) for y, one in zip(ys, drawn, strict=True)]
    faults = {
        "some drawings are of characters that are not in `characters`: this crosses the split": (
            not torch.isin(torch.cat(drawn) // N_DRAWINGS, characters).all()
        ),
        "one label stands for several characters within a set: are x and y in one order?": (
            any(len(named) > 1 for key in keys for named in key.values())
        ),
        "a label means one character in the support set and another in the query set": (
            keys[0] != keys[1]
        ),
        "one character has two labels in one task; draw the characters without replacement": (
            len(set.union(*keys[0].values())) < way
        ),
        "a drawing is in both the support and the query set": torch.isin(*drawn).any(),
        "a drawing is twice in one set; draw them without replacement": (
            any(len(one.unique()) < len(one) for one in drawn)
        ),
    }
    return next((said for said, found in faults.items() if found), "")


def _key(labels: Tensor, drawn: Tensor) -> dict[int, set[int]]:
    """What each label stands for: label -> characters."""
    key: dict[int, set[int]] = {}
    for label, number in zip(labels.flatten().tolist(), drawn.tolist(), strict=True):
        key.setdefault(label, set()).add(number // N_DRAWINGS)
    return key


def _fault_of_many(many: list[tuple[Tensor, ...]], characters: Tensor) -> str:
    """What shows only over several tasks, each of them sound."""
    if all(_equal(task, many[0]) for task in many):
        return "every call gives the same task: a generator that moves on must give new ones"
    place = {character: i for i, character in enumerate(characters.tolist())}
    ascending, support_of = True, {}
    for support_x, support_y, *_ in many:
        drawn = support_x[:, 0, 0].long()
        key = _key(support_y, drawn)
        places = [place[min(key[label])] for label in sorted(key)]
        ascending &= places == sorted(places)
        for character in set.union(*key.values()):
            own = frozenset(drawn[drawn // N_DRAWINGS == character].tolist())
            support_of.setdefault(character, set()).add(own)
    if ascending:
        return "labels follow the order of `characters`, which is a leak; deal them anew each time"
    if all(len(seen) == 1 for seen in support_of.values()):
        return "a character's support drawings are always the same: draw them anew in each task"
    return ""


@exercise("10.2", "split by class")
def check_split_by_class() -> Inspection:
    """`split_by_class(character, rotation, n_test, generator)` -> bools, one an image: True for the
    test images.

    character, rotation: (images,), whose drawing each image is, and how it is turned.
    """

    def inspect(attempt, character, rotation, n_test, seed):
        def split(seed):
            made = attempt(character, rotation, n_test, torch.Generator().manual_seed(seed))
            mask = numbers(made)
            if mask is None or mask.dtype != torch.bool or mask.shape != character.shape:
                raise Fault(f"return one True or False for each image; this returns {kind(made)}")
            return mask

        mask = split(seed)
        if _crossing(4 * character + rotation, mask):
            return "this splits by drawing: the same character, the same way up, is on both sides"
        if _crossing(character, mask):
            return "this splits by (character, rotation): some characters are on both sides, turned"
        if len(character[mask].unique()) != n_test:
            return "`n_test` counts characters: that many, with all of their images, must be True"
        if not torch.equal(mask, split(seed)):
            return "the same seed gives another split: pass generator=generator to torch.randperm"
        if all(torch.equal(mask, split(seed + i)) for i in range(1, 6)):
            return "every seed gives the same split; draw the characters at random"
        return ""

    def images_of(characters, drawings, seed):
        parts = torch.tensor(characters), torch.arange(4), torch.arange(drawings)
        images = torch.cartesian_prod(*parts)
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        return images[order].T[:2]

    numbered_otherwise = [3, 8, 21, 40, 41, 77]
    problems = [(*images_of(range(12), 5, 0), 4, 0), (*images_of(numbered_otherwise, 3, 1), 2, 1)]
    return Inspection(inspect, problems, "right: each character, in each rotation, is on one side")


def _crossing(group: Tensor, mask: Tensor) -> bool:
    """Whether some group has images on both sides."""
    return bool(torch.isin(group[mask], group[~mask]).any())


# leak -> what to say where a sound batch is blamed for it.
LEAKS = {
    "labels": "support_y may be 0, 1, 2, … in every task; the leak is a fixed order of characters",
    "characters": "compare one batch with the other; within a batch they may return",
    "drawings": "drawing 3 of two characters is two drawings; compare within a character",
}
MISSED_TRAIN = "it looks for drawings and labels in one batch only; they may leak in either"
ALL = slice(None)


@exercise("10.3", "find the leaks")
def check_find_leaks() -> Inspection:
    """`find_leaks(train, test)` of two TaskBatches with `info` -> the set of those of "labels",
    "characters" and "drawings" that leak."""

    def inspect(attempt, train, test, planted, missed):
        made = attempt(train, test)
        listed = isinstance(made, Set | list | tuple)
        if not listed or any(not isinstance(one, str) or one not in LEAKS for one in made):
            wanted = f"return a set of words out of {', '.join(map(repr, LEAKS))}"
            raise Fault(f"{wanted}; this returns {kind(made)}")
        for leak, alarm in LEAKS.items():
            if leak in made and leak not in planted:
                return f"it reports {leak} in sound tasks: {alarm}"
        return "" if set(made) == planted else missed

    return Inspection(inspect, _suspects(), "right: it finds every leak, and blames no sound batch")


def _suspects() -> list[tuple[TaskBatch, TaskBatch, set[str], str]]:
    """Pairs of batches: train, test, what leaks, and what to say of an answer that misses it."""
    low, high, across = range(30), range(30, 60), range(25, 55)
    train, test = _tasks(low, 0), _tasks(high, 1)
    rising = [_tasks(low, 8, ascending=True), _tasks(high, 9, ascending=True)]
    upright, turned = _tasks(low, 3, turns=(0,)), _tasks(low, 4, turns=(1, 2, 3))
    both = "it misses characters that are in both batches"
    rotated = "it misses a character that is upright in one batch and turned in the other"
    queries = "it misses that the support drawings are the first queries, in every task"
    single = "it misses a drawing that serves twice in a single task: look at each of them"
    several = "where there are several leaks, it does not find them all"
    every = _reused(_tasks(across, 5, ascending=True), ALL)
    return [
        (train, test, set(), ""),
        (_tasks(low, 6), _tasks(high, 7, shots=2), set(), ""),
        (*rising, {"labels"}, "it misses the labels: the characters ascend with the label"),
        (train, _tasks(across, 2), {"characters"}, both),
        (upright, turned, {"characters"}, rotated),
        (train, _reused(test, ALL), {"drawings"}, queries),
        (train, _reused(test, slice(17, 18)), {"drawings"}, single),
        (_reused(train, ALL), test, {"drawings"}, MISSED_TRAIN),
        (rising[0], test, {"labels"}, MISSED_TRAIN),
        (train, every, set(LEAKS), several),
    ]


def _tasks(characters: range, seed: int, *, shots=1, ascending=False, turns=range(4)) -> TaskBatch:
    """Forty 5-way tasks, as `OmniglotTasks.sample` gives them, with pictures of one pixel."""
    generator = torch.Generator().manual_seed(seed)

    def some_of(n: int, k: int, *shape: int) -> Tensor:
        return torch.rand(*shape, n, generator=generator).topk(k).indices

    chosen = characters.start + some_of(len(characters), 5, 40)
    if ascending:
        chosen = chosen.sort(1).values
    drawing = some_of(20, shots + 3, 40, 5)
    picked = torch.randint(len(turns), (40, 5), generator=generator)
    info = {"character": chosen, "rotation": torch.tensor(turns)[picked], "drawing": drawing}
    return _with_pictures(info, shots)


def _reused(tasks: TaskBatch, where: slice) -> TaskBatch:
    """In some 1-shot tasks the queries begin with the support set's drawings."""
    drawing = tasks.info["drawing"].clone()
    drawing[where, :, 1] = drawing[where, :, 0]
    return _with_pictures({**tasks.info, "drawing": drawing}, shots=1)


def _with_pictures(info: dict[str, Tensor], shots: int) -> TaskBatch:
    """Each picture is one number, which is its own for a drawing in a rotation."""
    whose = 4 * info["character"] + info["rotation"]
    x = (20 * whose[..., None] + info["drawing"]).float()[..., None, None, None]
    label = torch.arange(whose.shape[1])[None, :, None].expand_as(info["drawing"])
    cuts = [slice(None, shots), slice(shots, None)]
    parts = [part[:, :, cut].flatten(1, 2) for cut in cuts for part in (x, label)]
    return TaskBatch(*parts, info)
