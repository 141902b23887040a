"""Pairs of Omniglot-like task batches with leaks planted in them, for exercise 07.3."""

from __future__ import annotations

import torch
from torch import Tensor

from maml_edu.tasks import TaskBatch

# leak -> what to say where a sound batch is blamed for it.
LEAKS = {
    "labels": "support_y may be 0, 1, 2, … in every task; the leak is labels that mean the same",
    "characters": "compare those of one batch with those of the other; within a batch they may return",
    "drawings": "drawing 3 of two characters is two drawings; compare within a task and a character",
}
MISSED_TRAIN = "it looks for drawings and labels in one batch only; they may leak in either"
ALL = slice(None)
Suspect = tuple[TaskBatch, TaskBatch, set[str], str]


def suspects() -> list[Suspect]:
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
