"""Run a function once, capture its tensor operations, and replay them: the same numbers, faster.

Small networks spend their time in PyTorch's bookkeeping, not in arithmetic: for a meta-step on sine
waves, `vmap` and the nested `grad`s cost several times what the additions and products do. Their
outcome is always the same list of operations, so it need be worked out only once. No compiler is
involved, and capturing takes well under a second. A long training run may have a compiler as well,
which fuses the operations in its list: half a minute's wait, once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten


class NoCompiler(RuntimeError):
    """Something was to be compiled, and PyTorch has no C++ compiler that it can use."""


def capture(fn: Callable, *example, compile: bool = False) -> Callable:
    """`fn`, as the list of tensor operations that it runs on arguments like `example`.

    fn: a pure function of nested dicts, tuples and tensors, and one whose path does not depend on
        the numbers in them: what is captured is the path taken for `example`.
    compile: hand the operations to PyTorch's compiler (`torch.compile`). The results are the same
        but for rounding. Raises NoCompiler where it finds no C++ compiler.
    Returns a function that takes arguments of the same structure, shapes, dtypes and device, and
    gives the same results without a graph for autograd. Other shapes raise a ValueError.
    """
    leaves, structure = tree_flatten(example)
    result_structure = None

    def flat_fn(*flat: Tensor) -> tuple[Tensor, ...]:
        nonlocal result_structure
        results, result_structure = tree_flatten(fn(*tree_unflatten(list(flat), structure)))
        return tuple(results)

    operations = make_fx(flat_fn)(*leaves)
    _turn_tall_products(operations.graph)
    operations.graph.eliminate_dead_code()
    operations.recompile()
    run = _compiled(operations, leaves) if compile else _interpreted(operations, leaves)
    expected = [(leaf.shape, leaf.dtype, leaf.device) for leaf in leaves]

    @torch.no_grad()
    def replay(*arguments):
        flat, given = tree_flatten(arguments)
        if given != structure or [(a.shape, a.dtype, a.device) for a in flat] != expected:
            raise ValueError(
                "these arguments differ in structure, shape, dtype or device from the "
                "ones that it was captured for; capture the function again for them"
            )
        return tree_unflatten(list(run(*flat)), result_structure)

    return replay


def _turn_tall_products(graph: torch.fx.Graph) -> None:
    """Have the products of batches of matrices whose result is tall computed as (B^T A^T)^T.

    It is the same sums. But for 25 tasks' (40, 40) @ (40, 10), which is half of what a step on sine
    waves has to compute, processors' libraries take two to six times as long as for its transpose.
    """
    aten = torch.ops.aten
    for node in graph.find_nodes(op="call_function", target=aten.bmm.default):
        a, b = node.args
        if a.meta["tensor_meta"].shape[1] <= b.meta["tensor_meta"].shape[2]:
            continue
        with graph.inserting_before(node):
            turned = tuple(graph.call_function(aten.transpose.int, (x, 1, 2)) for x in (b, a))
            product = graph.call_function(aten.bmm.default, turned)
            result = graph.call_function(aten.transpose.int, (product, 1, 2))
        result.meta = node.meta
        node.replace_all_uses_with(result)
        graph.erase_node(node)
    for flatten in (aten.view.default, aten._unsafe_view.default):
        for node in graph.find_nodes(op="call_function", target=flatten):
            node.target = aten.reshape.default  # a turned result is not contiguous; this may copy


def _interpreted(operations: torch.fx.GraphModule, leaves: list[Tensor]) -> Callable:
    """The same operations, run from C++ where TorchScript can, else by Python, one by one.

    TorchScript is deprecated as a way to ship models, which is not what it does here: it halves
    what each operation costs. It has no type for some arguments (those of convolution_backward).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return torch.jit.trace(operations, leaves, check_trace=False)
        except RuntimeError:
            return operations


def _compiled(operations: torch.fx.GraphModule, leaves: list[Tensor]) -> Callable:
    """The same operations, neighbours fused into one pass over memory.

    `torch.compile` would find the operations once more, and look at all arguments at each call; the
    compiler behind it takes those that we have. It must not choose between kernels by timing them:
    a run that goes on after a stop must come to the same bits.
    """
    import torch._inductor as inductor  # a second to import, and seldom needed
    from torch._inductor.exc import InductorError

    try:
        run = inductor.compile(operations, leaves, options={"size_asserts": False})
        with torch.no_grad():
            run(*leaves)
    except InductorError as error:
        raise NoCompiler(
            "PyTorch could not compile the operations; it needs a C++ compiler, such as g++ or "
            f"clang++ (the environment variable CXX names another): {str(error).splitlines()[0]}"
        ) from error
    return run
