"""A reader's `nn.Module`, made ready to be used as a pure function of what is trained."""

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import batch_norm, instance_norm, layer_norm
from torch.nn.parameter import UninitializedTensorMixin
from torch.overrides import TorchFunctionMode

from maml_edu.foundation.checks import InputError, refuse
from maml_edu.foundation.randomness import random_state
from maml_edu.models.norm import swap_norms

NORMS = (batch_norm, instance_norm, layer_norm)
_TRAINING: ContextVar[bool] = ContextVar("training", default=False)


@contextmanager
def training() -> Iterator[None]:
    """Within, dropout is on: the meta-loss is computed so. Everywhere else it is off."""
    before = _TRAINING.set(True)
    try:
        yield
    finally:
        _TRAINING.reset(before)


def in_training() -> bool:
    return _TRAINING.get()


def fresh(build: Callable[[], nn.Module] | nn.Module, seed: int) -> nn.Module:
    """A new module: a copy of the one given, or one that is built with this seed."""
    if isinstance(build, nn.Module):
        try:
            return copy.deepcopy(build)
        except RuntimeError as error:
            said = f"the module cannot be copied ({error}); give a function that builds it"
            raise InputError(said) from error
    if not callable(build):
        refuse("build", build, "an nn.Module, or a function without arguments that returns one")
    with random_state(seed):  # nn.Module initialises from the global generator
        module = build()
    if not isinstance(module, nn.Module):
        refuse("what build returns", module, "an nn.Module")
    if any(isinstance(p, UninitializedTensorMixin) for p in module.parameters()):
        raise InputError(
            "the module has lazy layers, whose shapes are not known yet; give a module that has "
            "seen a sample, or layers with their sizes"
        )
    return module


def trained(module: nn.Module) -> dict[str, Tensor]:
    """The parameters that training moves: all but those with `requires_grad_(False)`."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def skeleton(module: nn.Module) -> tuple[nn.Module, dict[str, Tensor]]:
    """The module without numbers in the parameters that are trained (they are on PyTorch's "meta"
    device), and its constants: frozen parameters, buffers, and plain tensors, by name.

    Raises InputError for a plain tensor that wants a gradient, and where nothing is trained.
    """
    module = swap_norms(module)
    for owner in module.modules():
        for name, value in list(vars(owner).items()):
            if isinstance(value, Tensor) and value.grad_fn is None:
                _make_buffer(owner, name, value)
    hollow = {id(p): nn.Parameter(p.detach().to("meta")) for p in trained(module).values()}
    if not hollow:
        raise InputError("the module has no parameters to train: none, or all are frozen")
    constants = {name: p.detach() for name, p in module.named_parameters() if not p.requires_grad}
    for owner in module.modules():
        for name, p in list(owner.named_parameters(recurse=False, remove_duplicate=False)):
            if id(p) in hollow:
                setattr(owner, name, hollow[id(p)])
    return module, {**constants, **{n: b.detach() for n, b in module.named_buffers()}}


def _make_buffer(owner: nn.Module, name: str, value: Tensor) -> None:
    """Functions of a module can be given buffers, but no plain attributes."""
    if value.requires_grad:
        raise InputError(
            f"{type(owner).__name__}.{name} is a tensor that wants a gradient but is no "
            "nn.Parameter, so it would not be trained; make it one"
        )
    delattr(owner, name)
    owner.register_buffer(name, value, persistent=False)


def put(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Copy tensors into a module's parameters, buffers and plain tensors of these names."""
    with torch.no_grad():
        for name, value in tensors.items():
            owner, _, attribute = name.rpartition(".")
            getattr(module.get_submodule(owner), attribute).copy_(value)


def runs_side_by_side(module: nn.Module) -> bool:
    """Whether `vmap` can run it: PyTorch's recurrent layers have no rule for that."""
    return not any(isinstance(layer, nn.RNNBase) for layer in module.modules())


def is_plain(module: nn.Module) -> bool:
    """Whether all its layers are known to need none of `twice_differentiable`."""
    others = nn.LayerNorm, nn.modules.instancenorm._InstanceNorm, nn.modules.batchnorm._BatchNorm
    others += nn.MultiheadAttention, nn.Transformer, nn.TransformerEncoderLayer
    homes = ("torch.nn.modules", "maml_edu.models")
    return all(
        type(layer).__module__.startswith(homes) and not isinstance(layer, others)
        for layer in module.modules()
    )


class _ScaleApart(TorchFunctionMode):
    """Norms whose weight and bias stand apart from them. With both in one (PyTorch 2.13), `vmap` of
    a second derivative is wrong where each task has weights of its own; see PyTorch's functorch,
    issue 534."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func not in NORMS:
            return func(*args, **(kwargs or {}))
        given = inspect.signature(func).bind(*args, **(kwargs or {})).arguments
        weight, bias = given.pop("weight", None), given.pop("bias", None)
        x = func(**given)
        if func is not layer_norm:  # by channel; layer-norm's have the shape of the last axes
            by_channel = (1, -1) + (1,) * (x.dim() - 2)
            weight, bias = (p if p is None else p.view(by_channel) for p in (weight, bias))
        x = x if weight is None else x * weight
        return x if bias is None else x + bias


@contextmanager
def twice_differentiable() -> Iterator[None]:
    """Within, attention and layer-norm run as what MAML can differentiate twice, task by task."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), _ScaleApart():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
