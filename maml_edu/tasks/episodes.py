"""N-way K-shot episodes: which classes and which examples make up each task."""

from dataclasses import dataclass

import torch
from torch import Tensor

from maml_edu.foundation.checks import InputError, at_least
from maml_edu.foundation.randomness import device_of
from maml_edu.tasks.batch import TaskBatch


@dataclass(frozen=True)
class Episodes:
    """The plan of a batch of tasks, in indices.

    classes: (tasks, way), the class with the label 0, 1, … in each task.
    examples: (tasks, way, shots + queries), the examples of each class; the first `shots` are the
        support set's.
    """

    classes: Tensor
    examples: Tensor
    shots: int

    def batch(self, x: Tensor, info: dict[str, Tensor]) -> TaskBatch:
        """Cut x, (tasks, way, shots + queries, …), into support and query sets with their labels.

        Samples are in the order of their labels: the first `shots` of the support set have the
        label 0. Labels are int64, (tasks, way * shots) and (tasks, way * queries).
        """
        n_tasks, way, used = self.examples.shape
        labels = torch.arange(way, device=x.device)[None, :, None].expand(n_tasks, way, used)
        cuts = slice(None, self.shots), slice(self.shots, None)
        parts = [all_of[:, :, cut].flatten(1, 2) for cut in cuts for all_of in (x, labels)]
        return TaskBatch(*parts, info)


def draw_episodes(
    n_tasks: int,
    *,
    n_classes: int,
    n_examples: int,
    way: int,
    shots: int,
    queries: int,
    fixed_labels: bool = False,
    generator: torch.Generator | None = None,
) -> Episodes:
    """Draw `way` different classes for each task, and different examples of each for its sets.

    Classes come in random order, so each task draws a class's label anew (Vinyals et al. 2016,
    section 4.1). No example is in both the support and the query set.

    fixed_labels: whether class c has the label c modulo `way` in every task instead, so that a
        task has one class of each label. Then a single function answers all tasks, without their
        support sets: such tasks are not mutually exclusive (Yin et al. 2020, arXiv 1912.03820).
    Raises InputError for more classes or examples than there are.
    """
    at_least(1, n_tasks=n_tasks, shots=shots, queries=queries)
    at_least(2, way=way)
    if way > n_classes:
        raise InputError(f"way is {way}; it must be at most {n_classes}, the number of classes")
    if shots + queries > n_examples:
        allowed = f"at most {n_examples}, the examples of a class"
        raise InputError(f"shots + queries is {shots + queries}; it must be {allowed}")
    drawn_on = device_of(generator)

    def some_of(n: int, k: int, *shape: int) -> Tensor:
        """k different integers from 0 to n - 1, in random order: (*shape, k)."""
        return torch.rand(*shape, n, generator=generator, device=drawn_on).topk(k).indices

    if fixed_labels:
        label = torch.arange(way, device=drawn_on)
        share = torch.rand(n_tasks, way, generator=generator, device=drawn_on)
        of_label = (n_classes - label + way - 1) // way  # how many classes have this label
        classes = (share * of_label).long() * way + label
    else:
        classes = some_of(n_classes, way, n_tasks)
    examples = some_of(n_examples, shots + queries, n_tasks, way)
    return Episodes(classes, examples, shots)
