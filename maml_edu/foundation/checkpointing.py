"""Gradient checkpointing: keep a function's inputs, not its graph, and run it twice.

The graph of k inner steps holds the activations and gradients of all k. But a step can run once
more when the backward pass arrives at it, from its inputs. So memory holds the graph of one step,
and the inputs of each (Chen et al. 2016, arXiv 1604.06174). `torch.utils.checkpoint` does the same,
but not within `torch.func.grad` and `vmap`.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import vjp
from torch.utils._pytree import tree_flatten, tree_unflatten


def checkpointed(fn: Callable[..., dict[str, Tensor]]) -> Callable[..., dict[str, Tensor]]:
    """`fn` with the same results and gradients, but whose graph keeps only the inputs.

    fn: a pure function of tensors, numbers, and nested dicts or tuples of them; whatever is not an
        argument counts as constant. The gradient is exact, but has no derivative itself.
    """

    def run(*arguments: Any) -> dict[str, Tensor]:
        leaves, structure = tree_flatten(arguments)
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
        numbers = [None if isinstance(leaf, Tensor) else leaf for leaf in leaves]
        names: list[str] = []

        def of_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
            given = dict(zip(places, tensors, strict=True))
            filled = [given.get(i, leaf) for i, leaf in enumerate(numbers)]
            result = fn(*tree_unflatten(filled, structure))
            names[:] = result
            return tuple(result.values())

        results = _Checkpointed.apply(of_tensors, *(leaves[i] for i in places))
        return dict(zip(names, results, strict=True))

    return run


class _Checkpointed(torch.autograd.Function):
    generate_vmap_rule = True

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

        with torch.no_grad():  # or `torch.func.grad` keeps a graph of this backward pass too
            _, pull = vjp(again, *(tensors[i] for i in smooth))  # runs it again, with a graph
            found = dict(zip(smooth, pull(gradients), strict=True))
        return None, *(found.get(i) for i in range(len(tensors)))
