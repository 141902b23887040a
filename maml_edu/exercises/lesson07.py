"""Checks of lesson 07: an episode, the split by class, and the leaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.tasks import TaskBatch

__all__ = ["check_draw_episode", "check_find_leaks", "check_split_by_class"]

RIGHT = ""


def _name_faults(fault_found: Callable, faults: Iterable[str], problems: list, praise: str):
    """A verdict from a function that returns the first fault it finds in a problem, or RIGHT."""

    def first_fault(*problems: tuple) -> object:
        found = (fault_found(*problem) for problem in problems)
        return next((one for one in found if one != RIGHT), RIGHT)

    mistakes = {fault: (lambda *_, fault=fault: fault) for fault in faults}
    return judge(first_fault, lambda *_: RIGHT, mistakes, [tuple(problems)], praise=praise)


# An episode --------------------------------------------------------------------------------------

SHAPES = "support_x must have the shape (way * shots, height, width), query_x (way * queries, …)"
LABELS = "each set must hold each label, 0 to way - 1, equally often, as whole numbers"
FOREIGN = "some drawings are of characters that are not in `characters`: this crosses the split"
MIXED = "one label stands for several characters within a set: do x and y stand in one order?"
KEYS = "a label means one character in the support set and another in the query set"
TWICE = "one character has two labels in the same task; draw the characters without replacement"
SHARED = (
    "a drawing is in both the support and the query set: the query then only asks to look it up"
)
REPEATED = "a drawing is twice in one set; draw them without replacement"
GLOBAL = "the same seed gives another task: pass generator=generator wherever something is drawn"
FROZEN = "every call gives the same task: a generator that moves on must give new ones"
UNSHUFFLED = (
    "labels follow the order of `characters`: this is a leak, since a label can then be guessed "
    "without looking at the support set; deal the labels anew in each task"
)
FIRST = "always the same drawings of a character serve as its support: draw them anew in each task"
EPISODE_FAULTS = (SHAPES, LABELS, FOREIGN, MIXED, KEYS, TWICE, SHARED, REPEATED, GLOBAL, FROZEN,
                  UNSHUFFLED, FIRST)  # fmt: skip
N_CHARACTERS, N_DRAWINGS, DRAWS = 40, 20, 30


def check_draw_episode(attempt: Callable) -> Verdict:
    """Judge `draw_episode(images, characters, way, shots, queries, generator)` ->
    ((support_x, support_y), (query_x, query_y)).

    images: (all characters, drawings, height, width); characters: indices of those allowed.
    """
    # Each picture is full of one number, which says whose drawing it is, and which one.
    number = torch.arange(N_CHARACTERS * N_DRAWINGS).view(N_CHARACTERS, N_DRAWINGS, 1, 1)
    images = number.expand(-1, -1, 3, 3).contiguous()

    def fault_found(images: Tensor, characters: Tensor, *sizes_and_seed: int) -> object:
        *sizes, seed = sizes_and_seed
        generator = torch.Generator().manual_seed(seed)
        made = attempt(images, characters, *sizes, generator)
        if made is None or made is ...:
            return made
        if fault := _episode_fault(made, characters, *sizes):
            return fault
        again = attempt(images, characters, *sizes, torch.Generator().manual_seed(seed))
        if not all(torch.equal(a, b) for a, b in zip(_flat(made), _flat(again), strict=True)):
            return GLOBAL
        more = [attempt(images, characters, *sizes, generator) for _ in range(DRAWS)]
        faults = [_episode_fault(one, characters, *sizes) for one in more]
        return next(filter(None, faults), RIGHT) or _fault_of_many([made, *more], characters)

    upper, odd = torch.arange(20, 40), torch.arange(1, 40, 2)
    problems = [(images, upper, 5, 1, 3, 0), (images, odd, 4, 3, 2, 1), (images, odd, 6, 2, 18, 2)]
    praise = "right: new characters, new drawings and new labels in each task"
    return _name_faults(fault_found, EPISODE_FAULTS, problems, praise)


def _flat(made) -> list[Tensor]:
    return [part for one in made for part in one]


def _episode_fault(made, characters: Tensor, way: int, shots: int, queries: int) -> str:
    """The first thing that is wrong with one task."""
    try:
        (support_x, support_y), (query_x, query_y) = made
        shapes = [tuple(part.shape) for part in (support_x, query_x)]
        labels = [y.reshape(-1).tolist() for y in (support_y, query_y)]
    except (TypeError, ValueError, AttributeError):
        raise TypeError("return (support_x, support_y), (query_x, query_y), all tensors") from None
    if shapes != [(way * shots, 3, 3), (way * queries, 3, 3)]:
        return SHAPES
    wanted = [sorted(list(range(way)) * n) for n in (shots, queries)]
    if [sorted(some) for some in labels] != wanted:
        return LABELS
    drawn = [x[:, 0, 0].long() for x in (support_x, query_x)]
    if not set((torch.cat(drawn) // N_DRAWINGS).tolist()) <= set(characters.tolist()):
        return FOREIGN
    keys = [_key(*pair) for pair in zip(labels, drawn, strict=True)]
    if any(len(named) > 1 for key in keys for named in key.values()):
        return MIXED
    if keys[0] != keys[1]:
        return KEYS
    if len(set.union(*keys[0].values())) < way:
        return TWICE
    used = [set(one.tolist()) for one in drawn]
    if used[0] & used[1]:
        return SHARED
    return RIGHT if [len(one) for one in used] == [way * shots, way * queries] else REPEATED


def _key(labels: list[int], drawn: Tensor) -> dict[int, set[int]]:
    """What each label stands for: label -> characters."""
    key: dict[int, set[int]] = {label: set() for label in labels}
    for label, number in zip(labels, drawn.tolist(), strict=True):
        key[label].add(number // N_DRAWINGS)
    return key


def _fault_of_many(many: list, characters: Tensor) -> str:
    """What shows only over several tasks, each of them sound."""
    if all(
        torch.equal(a, b) for one in many for a, b in zip(_flat(one), _flat(many[0]), strict=True)
    ):
        return FROZEN
    place = {character: i for i, character in enumerate(characters.tolist())}
    ascending, support_of = True, {}
    for (support_x, support_y), _ in many:
        drawn = support_x[:, 0, 0].long()
        key = _key(support_y.reshape(-1).tolist(), drawn)
        places = [place[min(key[label])] for label in sorted(key)]
        ascending &= places == sorted(places)
        for character in set.union(*key.values()):
            own = frozenset(drawn[drawn // N_DRAWINGS == character].tolist())
            support_of.setdefault(character, set()).add(own)
    if ascending:
        return UNSHUFFLED
    return FIRST if all(len(seen) == 1 for seen in support_of.values()) else RIGHT


# The split ---------------------------------------------------------------------------------------

MASK = "return one True or False for each image: a tensor of bools, shaped like `character`"
BY_DRAWING = (
    "this splits by drawing: the same character, the same way up, is on both sides, and whoever "
    "has learnt it need not learn it from the support set"
)
BY_CLASS = (
    "this splits by (character, rotation): one character stands upright on one side and turned on "
    "the other; deal out characters, and let their rotations follow"
)
COUNT = "`n_test` counts characters: that many, with all of their images, must be True"
GLOBAL_SPLIT = "the same seed gives another split: pass generator=generator to torch.randperm"
NOT_RANDOM = "every seed gives the same split; draw the characters at random"


def check_split_by_class(attempt: Callable) -> Verdict:
    """Judge `split_by_class(character, rotation, n_test, generator)` -> bools, one an image.

    character, rotation: (images,), whose drawing each image is, and how it is turned.
    """

    def fault_found(character: Tensor, rotation: Tensor, n_test: int, seed: int) -> object:
        def split(seed: int) -> object:
            generator = torch.Generator().manual_seed(seed)
            return attempt(character.clone(), rotation.clone(), n_test, generator)

        made = split(seed)
        if made is None or made is ...:
            return made
        if (
            not isinstance(made, Tensor)
            or made.dtype != torch.bool
            or made.shape != character.shape
        ):
            return MASK
        sides = _sides(character, made)
        if any(len(some) > 1 for some in sides.values()):
            by_class = _sides(4 * character + rotation, made)
            return BY_DRAWING if any(len(some) > 1 for some in by_class.values()) else BY_CLASS
        if sum(some == {True} for some in sides.values()) != n_test:
            return COUNT
        if not torch.equal(made, split(seed)):
            return GLOBAL_SPLIT
        others = [split(seed + i) for i in range(1, 6)]
        return NOT_RANDOM if all(torch.equal(made, other) for other in others) else RIGHT

    def images_of(characters: list[int], drawings: int, seed: int) -> tuple[Tensor, Tensor]:
        character, rotation, _ = torch.cartesian_prod(
            torch.tensor(characters), torch.arange(4), torch.arange(drawings)
        ).unbind(1)
        order = torch.randperm(len(character), generator=torch.Generator().manual_seed(seed))
        return character[order], rotation[order]

    problems = [
        (*images_of(list(range(12)), 5, 0), 4, 0),
        (*images_of([3, 8, 21, 40, 41, 77], 3, 1), 2, 1),  # not numbered 0, 1, 2, …
    ]
    faults = (MASK, BY_DRAWING, BY_CLASS, COUNT, GLOBAL_SPLIT, NOT_RANDOM)
    praise = "right: each character, whichever way up, is on one side only"
    return _name_faults(fault_found, faults, problems, praise)


def _sides(group: Tensor, test: Tensor) -> dict[int, set[bool]]:
    """On which sides the images of each group are."""
    sides: dict[int, set[bool]] = {}
    for name, side in zip(group.tolist(), test.tolist(), strict=True):
        sides.setdefault(name, set()).add(side)
    return sides


# The leaks ---------------------------------------------------------------------------------------

LEAKS = ("labels", "characters", "drawings")
ALARM_LABELS = (
    "it reports labels in sound tasks. support_y is 0, 1, 2, … in every task, and may be; the leak "
    "is that what the labels stand for is not dealt anew"
)
ALARM_CHARACTERS = (
    "it reports characters in sound tasks: compare the characters of the one batch with those of "
    "the other; within a batch they may return"
)
ALARM_DRAWINGS = (
    "it reports drawings in sound tasks: drawing 3 of one character and drawing 3 of another are "
    "two drawings; compare within a task and a character"
)
MISSED_LABELS = "it misses the labels: in each of these tasks the characters ascend with the label"
MISSED_CHARACTERS = "it misses characters that are in both batches"
MISSED_TURNED = (
    "it misses a character that is upright in the one batch and turned in the other: compare "
    "characters, whichever way up"
)
MISSED_DRAWINGS = "it misses that the support drawings are the first queries, in every task"
MISSED_ONE = "it misses a drawing that serves twice in a single task: look at each of them"
MISSED_TRAIN = "it looks for drawings and labels in one batch only; they may leak in either"
MISSED_ALL = "where there are several leaks, it does not find them all"
LEAK_FAULTS = (ALARM_LABELS, ALARM_CHARACTERS, ALARM_DRAWINGS, MISSED_LABELS, MISSED_CHARACTERS,
               MISSED_TURNED, MISSED_DRAWINGS, MISSED_ONE, MISSED_TRAIN, MISSED_ALL)  # fmt: skip


def check_find_leaks(attempt: Callable) -> Verdict:
    """Judge `find_leaks(train, test)` of two TaskBatches with `info`: the set of those of LEAKS
    that it finds."""

    def fault_found(train: TaskBatch, test: TaskBatch, planted: str, missed: str) -> object:
        found = attempt(train, test)
        if found is None or found is ...:
            return found
        if isinstance(found, str) or not set(found) <= set(LEAKS):
            raise TypeError(f"return a set of words out of {', '.join(map(repr, LEAKS))}")
        alarms = (ALARM_LABELS, ALARM_CHARACTERS, ALARM_DRAWINGS)
        for leak, alarm in zip(LEAKS, alarms, strict=True):
            if leak in found and leak not in planted.split():
                return alarm
        return RIGHT if set(found) == set(planted.split()) else missed

    praise = "right: no leak goes unseen, and no sound batch is blamed"
    return _name_faults(fault_found, LEAK_FAULTS, _suspects(), praise)


def _suspects() -> list[tuple[TaskBatch, TaskBatch, str, str]]:
    """Pairs of batches: train, test, what leaks, and what to say of an answer that misses it."""
    low, high = range(30), range(30, 60)
    train, test = _tasks(low, 0), _tasks(high, 1)
    crossed = _tasks(range(25, 55), 2)
    upright, turned = _tasks(low, 3, turns=(0,)), _tasks(low, 4, turns=(1, 2, 3))
    both = _reused(_tasks(range(25, 55), 5, ascending=True), slice(None))
    return [
        (train, test, "", ""),
        (_tasks(low, 6), _tasks(high, 7, shots=2), "", ""),
        (_tasks(low, 8, ascending=True), _tasks(high, 9, ascending=True), "labels", MISSED_LABELS),
        (train, crossed, "characters", MISSED_CHARACTERS),
        (upright, turned, "characters", MISSED_TURNED),
        (train, _reused(test, slice(None)), "drawings", MISSED_DRAWINGS),
        (train, _reused(test, slice(17, 18)), "drawings", MISSED_ONE),
        (_reused(train, slice(None)), test, "drawings", MISSED_TRAIN),
        (_tasks(low, 10, ascending=True), test, "labels", MISSED_TRAIN),
        (train, both, "labels characters drawings", MISSED_ALL),
    ]


def _tasks(
    characters: range,
    seed: int,
    *,
    shots: int = 1,
    queries: int = 3,
    way: int = 5,
    ascending: bool = False,
    turns: tuple[int, ...] = (0, 1, 2, 3),
) -> TaskBatch:
    """Forty tasks, as `OmniglotTasks.sample` gives them, with pictures of one pixel."""
    generator = torch.Generator().manual_seed(seed)

    def some_of(n: int, k: int, *shape: int) -> Tensor:
        return torch.rand(*shape, n, generator=generator).topk(k).indices

    chosen = characters.start + some_of(len(characters), way, 40)
    if ascending:
        chosen = chosen.sort(1).values
    drawing = some_of(20, shots + queries, 40, way)
    picked = torch.randint(len(turns), (40, way), generator=generator)
    info = {"character": chosen, "rotation": torch.tensor(turns)[picked], "drawing": drawing}
    return _with_pictures(info, shots)


def _reused(tasks: TaskBatch, where: slice) -> TaskBatch:
    """In some tasks the queries begin with the support set's drawings."""
    way = tasks.info["character"].shape[1]
    shots = tasks.support_y.shape[1] // way
    drawing = tasks.info["drawing"].clone()
    drawing[where, :, shots : 2 * shots] = drawing[where, :, :shots]
    return _with_pictures({**tasks.info, "drawing": drawing}, shots)


def _with_pictures(info: dict[str, Tensor], shots: int) -> TaskBatch:
    """Each picture is one number, which is its own for a drawing in a rotation."""
    whose = 4 * info["character"] + info["rotation"]
    x = (20 * whose[..., None] + info["drawing"]).float()[..., None, None, None]
    label = torch.arange(whose.shape[1])[None, :, None].expand_as(info["drawing"])
    cuts = [slice(None, shots), slice(shots, None)]
    parts = [part[:, :, cut].flatten(1, 2) for cut in cuts for part in (x, label)]
    return TaskBatch(*parts, info)
