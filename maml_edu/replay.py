"""Run a function once, write down its tensor operations, and replay them: the same numbers, faster.

Small networks spend their time in PyTorch's bookkeeping, not in arithmetic: for a meta-step on sine
waves, `vmap` and the nested `grad`s cost several times what the additions and products do. Their
outcome is always the same list of operations, so it need be worked out only once. No compiler is
involved, and recording takes well under a second.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten


def record(fn: Callable, *example) -> Callable:
    """`fn`, as the list of tensor operations that it runs on arguments like `example`.

    fn: a pure function of nested dicts, tuples and tensors, and one whose path does not depend on
        the numbers in them: what is recorded is the path taken for `example`.
    Returns a function that takes arguments of the same structure, shapes, dtypes and device, and
    gives the same results without a graph for autograd. Other shapes raise a ValueError.
    """
    leaves, structure = tree_flatten(example)
    result_structure = None

    def flat_fn(*flat: Tensor) -> tuple[Tensor, ...]:
        nonlocal result_structure
        results, result_structure = tree_flatten(fn(*tree_unflatten(list(flat), structure)))
        return tuple(results)

    run = _fastest(make_fx(flat_fn)(*leaves), leaves)
    expected = [(leaf.shape, leaf.dtype, leaf.device) for leaf in leaves]

    @torch.no_grad()
    def replay(*arguments):
        flat, given = tree_flatten(arguments)
        if given != structure or [(a.shape, a.dtype, a.device) for a in flat] != expected:
            raise ValueError(
                "these arguments differ in structure, shape, dtype or device from the "
                "ones that were recorded; record the function again for them"
            )
        return tree_unflatten(list(run(*flat)), result_structure)

    return replay


def _fastest(operations: torch.fx.GraphModule, leaves: list[Tensor]) -> Callable:
    """The same operations, run from C++ where TorchScript can, else by Python, one by one.

    TorchScript is deprecated as a way to ship models, which is not what it does here: it halves
    what each operation costs. It has no type for some arguments (those of convolution_backward).
    """
    operations.graph.eliminate_dead_code()
    operations.recompile()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return torch.jit.trace(operations, leaves, check_trace=False)
        except RuntimeError:
            return operations
