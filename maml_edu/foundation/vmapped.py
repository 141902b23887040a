"""One function for one task, run on many: side by side by `vmap`, or one after the other."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Batch, Gradient, Theta

NO_VMAP = (
    "vmap",
    "Batching rule",
    "batching rule",
    "data-dependent",
    "doesn't match the broadcast",
)


def over(
    function: Callable[[Any], Any], items: Any, *, chunk_size: int | None = None, loop: bool = False
) -> Any:
    """`function` of each item, stacked: items hold tensors, (items, …).

    chunk_size: how many side by side (default: all); 1 runs one after the other, without `vmap`.
    loop: run one after the other in any case.
    A function that draws random numbers draws others for each item. Raises InputError, with the way
    out, for one that `vmap` cannot run.
    """
    count = len(tree_leaves(items)[0])
    if loop or count == 1 or chunk_size == 1:
        made = [function(tree_map(lambda leaf, i=i: leaf[i], items)) for i in range(count)]
        return tree_map(lambda *each: torch.stack(each), *made)
    try:
        return vmap(function, chunk_size=chunk_size, randomness="different")(items)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0][:80]
        if isinstance(error, InputError) or not any(said in str(error) for said in NO_VMAP):
            raise
        raise InputError(
            f"the network cannot run on several tasks side by side ({reason}); give Training and "
            "Evaluation chunk_size=1, and Training capture=False if it looks at the numbers"
        ) from error


def in_chunks(gradient: Gradient, chunk_size: int | None) -> Gradient:
    """`gradient` of a batch as the mean of its gradients on chunks of `chunk_size` tasks."""
    if chunk_size is None:
        return gradient

    def of_all(theta: Theta, batch: Batch) -> tuple[Theta, Tensor]:
        n_tasks = batch.n_tasks
        n_chunks = math.ceil(n_tasks / chunk_size)
        leaves, structure = tree_flatten(batch)
        pieces = zip(*(leaf.split(math.ceil(n_tasks / n_chunks)) for leaf in leaves), strict=True)
        sums, total = {}, 0.0
        for piece in pieces:
            chunk = tree_unflatten(list(piece), structure)
            weight = chunk.n_tasks / n_tasks
            grads, loss = gradient(theta, chunk)
            sums = {name: sums.get(name, 0.0) + weight * g for name, g in grads.items()}
            total = total + weight * loss
        return sums, total

    return of_all
