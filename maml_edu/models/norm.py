"""Batch normalisation without running averages: the statistics are those of the batch."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from maml_edu.foundation.checks import InputError

_CONTEXT: ContextVar[tuple[int, int] | None] = ContextVar("context", default=None)


@contextmanager
def statistics_from(n_context: int, n_samples: int) -> Iterator[None]:
    """Within, every `BatchNorm` takes its statistics from the first `n_context` of `n_samples`."""
    before = _CONTEXT.set((n_context, n_samples))
    try:
        yield
    finally:
        _CONTEXT.reset(before)


def _n_context(x: Tensor) -> int | None:
    if (context := _CONTEXT.get()) is None:
        return None
    n_context, n_samples = context
    if len(x) != n_samples:
        raise InputError(
            f"a batch-norm in the network sees {len(x)} rows where the batch has {n_samples} "
            'samples, so it cannot tell the support set\'s; use protocol="transductive"'
        )
    return n_context


class BatchNorm(nn.Module):
    """Shift and scale each channel to mean 0 and variance 1 over a batch, then by `bias`, `weight`.

    Ioffe & Szegedy (2015, arXiv 1502.03167), but without running averages, which would be those of
    other tasks. The variance is the biased one. epsilon is 0.001, as in the layer that the authors
    of MAML used, because a variance over five drawings can be very small.

    Small batches use products that are written out here, since differentiating these twice costs
    less than PyTorch's layer, which is made to be differentiated once. Batches of `many` samples or
    more use PyTorch's, which reads its input fewer times; so does bfloat16, in which a mean that is
    written out would be coarse. Weight and bias stand apart from it: with them in it (PyTorch
    2.13), `vmap` of a second derivative is wrong where each task has weights of its own.
    """

    epsilon = 1e-3
    many = 32

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """x: (samples, channels, …) -> the same shape. The statistics are those of all samples, or
        of the first ones, as `statistics_from` says."""
        n_context = _n_context(x)
        if n_context is None and (len(x) >= self.many or x.dtype == torch.bfloat16):
            return self._affine(batch_norm(x, None, None, training=True, eps=self.epsilon))
        over = (0, *range(2, x.dim()))
        mean = x[:n_context].mean(over, keepdim=True)
        centred = x - mean
        variance = centred[:n_context].square().mean(over, keepdim=True)
        return self._affine(centred, torch.rsqrt(variance + self.epsilon))

    def _affine(self, x: Tensor, scale: Tensor | float = 1.0) -> Tensor:
        """x, scaled, then by weight and bias."""
        if self.weight is None:
            return x * scale
        by_channel = (1, -1) + (1,) * (x.dim() - 2)
        weight, bias = (p.view(by_channel).to(x.dtype) for p in (self.weight, self.bias))
        return x * (weight * scale) + bias


class AsBatchNorm(BatchNorm):
    """PyTorch's batch-norm as the layer above: its parameters and epsilon, and no running averages.

    layer: a BatchNorm1d, 2d or 3d.
    """

    def __init__(self, layer: _BatchNorm):
        nn.Module.__init__(self)
        self.weight, self.bias, self.epsilon = layer.weight, layer.bias, layer.eps
        self.check_dimensions = layer._check_input_dim

    def forward(self, x: Tensor) -> Tensor:
        self.check_dimensions(x)
        n_context = _n_context(x)
        samples = len(x) if n_context is None else n_context
        if samples * x[0, 0].numel() == 1:
            raise InputError(
                "batch-norm takes its statistics from a single value here: give it more samples, "
                "or use a norm that looks at one sample alone, such as GroupNorm or LayerNorm"
            )
        return super().forward(x)


def with_memory(module: nn.Module) -> list[_BatchNorm]:
    """PyTorch's batch-norms that keep running averages for `eval()`, and are not in it yet."""
    layers = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    return [layer for layer in layers if layer.training and layer.running_mean is not None]


def swap_norms(module: nn.Module) -> nn.Module:
    """The module with each of PyTorch's batch-norms as an `AsBatchNorm`; changed in place.

    One in eval() stays: it shifts and scales by its running averages, which are constants then.
    """
    if _is_torchs(module):
        return AsBatchNorm(module)
    for parent in list(module.modules()):
        for name, layer in list(parent.named_children()):
            if _is_torchs(layer):
                setattr(parent, name, AsBatchNorm(layer))
    return module


def _is_torchs(layer: nn.Module) -> bool:
    uses_the_batch = layer.training or getattr(layer, "running_mean", None) is None
    return (
        isinstance(layer, _BatchNorm) and type(layer).forward is _BatchNorm.forward
    ) and uses_the_batch


def take_statistics(module: nn.Module, layers: list[_BatchNorm], x: Tensor) -> None:
    """Set the running averages of a module's batch-norms to the statistics of one batch x, so that
    the module, in eval(), answers as with the protocol "support-only". They change in place."""

    def look(layer: _BatchNorm, inputs: tuple[Tensor]) -> None:
        over = (0, *range(2, inputs[0].dim()))
        layer.running_mean.copy_(inputs[0].mean(over))
        layer.running_var.copy_(inputs[0].var(over, unbiased=False))

    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        with torch.no_grad():
            module(x)
    finally:
        for hook in hooks:
            hook.remove()
