"""The optimisers of the outer loop, and what they remember from step to step."""

from collections.abc import Sequence

import torch
from torch import Tensor

# What each holds of a parameter: "step" is a scalar, all else is shaped as the parameter.
MOMENTS = {"adam": ("step", "exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}
OPTIMISERS = tuple(MOMENTS)


def optimiser(
    name: str, groups: list[dict], lr: float, *, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """One that is fused: one call for all parameters.

    name: one of OPTIMISERS. groups: `torch.optim`'s; the first alone has the weight decay.
    weight_decay: decoupled from the gradient (Loshchilov & Hutter 2019, arXiv 1711.05101) in Adam.
    """
    decays = [{**group, "weight_decay": weight_decay * (i == 0)} for i, group in enumerate(groups)]
    if name == "sgd":
        return torch.optim.SGD(decays, lr=lr, momentum=momentum, fused=True)
    kind = torch.optim.AdamW if weight_decay else torch.optim.Adam
    return kind(decays, lr=lr, fused=True)


def moments_of(name: str, momentum: float) -> tuple[str, ...]:
    """The names of what an optimiser remembers of each parameter."""
    return () if name == "sgd" and momentum == 0 else MOMENTS[name]


def clip(tensors: Sequence[Tensor], highest: float) -> None:
    """Scale gradients down, in place, so that their norm, all together, is at most `highest`."""
    norm = torch.stack([g.square().sum() for g in tensors]).sum().sqrt()
    for g in tensors:
        g.mul_((highest / norm).clamp(max=1.0))
