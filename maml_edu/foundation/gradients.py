"""The same gradient of a batch of tasks, with less memory or sooner."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from maml_edu.foundation.capture import capture
from maml_edu.foundation.types import Gradient, Theta

if TYPE_CHECKING:
    from maml_edu.tasks import TaskBatch


def in_chunks(gradient: Gradient, chunk_size: int | None) -> Gradient:
    """`gradient` of a batch as the mean of its gradients on chunks of `chunk_size` tasks."""
    if chunk_size is None:
        return gradient

    def of_all(theta: Theta, batch: TaskBatch) -> tuple[Theta, Tensor]:
        n_tasks = len(batch.query_y)
        n_chunks = math.ceil(n_tasks / chunk_size)
        leaves, structure = tree_flatten(batch)
        pieces = zip(*(leaf.split(math.ceil(n_tasks / n_chunks)) for leaf in leaves), strict=True)
        sums, total = {}, 0.0
        for piece in pieces:
            chunk = tree_unflatten(list(piece), structure)
            weight = len(chunk.query_y) / n_tasks
            grads, loss = gradient(theta, chunk)
            sums = {name: sums.get(name, 0.0) + weight * g for name, g in grads.items()}
            total = total + weight * loss
        return sums, total

    return of_all


def captured(gradient: Gradient, compile: bool = False) -> Gradient:
    """`gradient`, captured (see `foundation.capture`) once for each number of tasks it meets."""
    by_size: dict[int, Gradient] = {}

    def run(theta: Theta, batch: TaskBatch) -> tuple[Theta, Tensor]:
        n_tasks = len(batch.query_y)
        if n_tasks not in by_size:
            by_size[n_tasks] = capture(gradient, theta, batch, compile=compile)
        return by_size[n_tasks](theta, batch)

    return run
