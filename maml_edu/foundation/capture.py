"""Capture the tensor operations of a function once, and replay them: the same numbers, faster.

In a meta-step on sine waves, `vmap` and the nested `grad`s cost several times as much as the
arithmetic, and always come to the same list of operations. So it is enough to work the list out
once, which takes well under a second. For a long run a compiler can fuse it, in half a minute.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.randomness import random_state
from maml_edu.foundation.types import Batch, Gradient, Theta


class NoCompiler(RuntimeError):
    """The operations cannot be compiled: PyTorch finds no C++ compiler that it can use."""


def capture(fn: Callable, *example, compile: bool = False) -> Callable:
    """Capture the tensor operations that `fn` runs on arguments like `example`.

    fn: a pure function of nested dicts, tuples and tensors. The operations it runs must not depend
        on the numbers in them, since those that it runs on `example` are captured.
    compile: compile the operations with PyTorch's compiler; the results differ only by rounding.
        Default: False. Raises NoCompiler without a C++ compiler.
    Returns the captured function, with the results of `fn` but without a graph for autograd. It
    raises InputError for arguments that differ from `example` in structure, shape, dtype or device.
    """
    leaves, structure = tree_flatten(example)
    result_structure = None

    def flat_fn(*flat: Tensor) -> tuple[Tensor, ...]:
        nonlocal result_structure
        results, result_structure = tree_flatten(fn(*tree_unflatten(list(flat), structure)))
        return tuple(results)

    operations = make_fx(flat_fn)(*leaves)
    _transpose_tall_products(operations.graph)
    operations.graph.eliminate_dead_code()
    operations.recompile()
    run = _compiled(operations, leaves) if compile else _interpreted(operations, leaves)
    expected = [(leaf.shape, leaf.dtype, leaf.device) for leaf in leaves]

    @torch.no_grad()
    def replay(*arguments):
        flat, given = tree_flatten(arguments)
        if given != structure or [(a.shape, a.dtype, a.device) for a in flat] != expected:
            what = "the arguments differ in structure, shape, dtype or device from those captured"
            raise InputError(f"{what}; capture the function again for them")
        return tree_unflatten(list(run(*flat)), result_structure)

    return replay


def captured(gradient: Gradient, compile: bool = False) -> Gradient:
    """`gradient`, captured once for each number of tasks it meets."""
    by_size: dict[int, Gradient] = {}

    def run(theta: Theta, batch: Batch) -> tuple[Theta, Tensor]:
        n_tasks = batch.n_tasks
        if n_tasks not in by_size:
            with random_state():  # capturing draws too, and a run that is resumed captures again
                by_size[n_tasks] = capture(gradient, theta, batch, compile=compile)
        return by_size[n_tasks](theta, batch)

    return run


def _transpose_tall_products(graph: torch.fx.Graph) -> None:
    """Compute batched matrix products whose result is tall as (B^T A^T)^T.

    The sums are the same. But for (40, 40) @ (40, 10) in 25 tasks, half of the arithmetic of a step
    on sine waves, the libraries of CPUs take two to six times as long as for the transpose.
    """
    aten = torch.ops.aten
    for node in graph.find_nodes(op="call_function", target=aten.bmm.default):
        a, b = node.args
        if a.meta["tensor_meta"].shape[1] <= b.meta["tensor_meta"].shape[2]:
            continue
        with graph.inserting_before(node):
            transposed = tuple(graph.call_function(aten.transpose.int, (x, 1, 2)) for x in (b, a))
            product = graph.call_function(aten.bmm.default, transposed)
            result = graph.call_function(aten.transpose.int, (product, 1, 2))
        result.meta = node.meta
        node.replace_all_uses_with(result)
        graph.erase_node(node)
    for flatten in (aten.view.default, aten._unsafe_view.default):
        for node in graph.find_nodes(op="call_function", target=flatten):
            node.target = aten.reshape.default  # a transposed result is not contiguous: copy it


def _interpreted(operations: torch.fx.GraphModule, leaves: list[Tensor]) -> Callable:
    """The same operations, run one by one: from C++ where TorchScript can, or else from Python.

    TorchScript is deprecated as a way to ship models. Here it halves the cost of each operation.
    It has no type for some arguments, such as those of convolution_backward.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return torch.jit.trace(operations, leaves, check_trace=False)
        except RuntimeError:
            return operations


def _compiled(operations: torch.fx.GraphModule, leaves: list[Tensor]) -> Callable:
    """The same operations, with neighbours fused into one pass over memory.

    `torch.compile` would capture the operations again and check all arguments at each call, so this
    calls the compiler behind it. Its autotuning stays off: which kernel wins may change from one
    start to the next, and a resumed run must give the same bits as an uninterrupted one.
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
