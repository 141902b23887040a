"""Forget how a function's result was found, and find it again when its gradient is asked for.

The graph of k inner steps holds every activation and gradient in them, k times over. But the
derivative of a step needs its inputs alone: from them the step can be run once more, when the walk
back arrives at it. So the memory of one step at a time is enough, plus what each step began with,
for the price of a second run (Chen et al. 2016, arXiv 1604.06174, "gradient checkpointing").

`torch.utils.checkpoint` does the same, but not within `torch.func.grad` and `vmap`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import vjp
from torch.utils._pytree import tree_flatten, tree_unflatten


def checkpointed(fn: Callable[..., dict[str, Tensor]]) -> Callable[..., dict[str, Tensor]]:
    """`fn` with the same results and gradients, of whose graph nothing is kept but its inputs.

    fn: a pure function of tensors, numbers, and nested dicts or tuples of them. What it is to be
        differentiated by has to be among its arguments: all else counts as constant. The gradient
        is exact, and is itself a constant: there is no second derivative of what is checkpointed.
    """

    def run(*arguments: Any) -> dict[str, Tensor]:
        leaves, structure = tree_flatten(arguments)
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        numbers = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        names: list[str] = []

        def of_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
            filled = dict(zip(places, tensors, strict=True))
            filled = [filled.get(i, number) for i, number in enumerate(numbers)]
            result = fn(*tree_unflatten(filled, structure))
            names[:] = result
            return tuple(result.values())

        results = _Checkpointed.apply(of_tensors, *(leaves[i] for i in places))
        return dict(zip(names, results, strict=True))

    return run


class _Checkpointed(torch.autograd.Function):
    generate_vmap_rule = True  # for many tasks, as for one

    @staticmethod
    def forward(fn: Callable, *tensors: Tensor) -> tuple[Tensor, ...]:
        return fn(*tensors)

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: tuple) -> None:
        ctx.fn = inputs[0]
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        tensors = ctx.saved_tensors
        smooth = [i for i, tensor in enumerate(tensors) if tensor.is_floating_point()]

        def again(*parts: Tensor) -> tuple[Tensor, ...]:
            given = dict(zip(smooth, parts, strict=True))
            return ctx.fn(*(given.get(i, tensor) for i, tensor in enumerate(tensors)))

        with torch.no_grad():  # `torch.func.grad` would keep a graph of this walk back as well
            _, pull = vjp(again, *(tensors[i] for i in smooth))  # runs it again, with a graph
            found = dict(zip(smooth, pull(gradients), strict=True))
        return None, *(found.get(i) for i in range(len(tensors)))
