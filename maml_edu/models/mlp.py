"""Fully connected networks, for regression."""

from __future__ import annotations

from torch import nn

from maml_edu.foundation.checks import InputError, at_least
from maml_edu.models.functional import Model


def mlp(*sizes: int) -> Model:
    """Fully connected layers with ReLU between them: (samples, sizes[0]) -> (samples, sizes[-1]).

    `mlp(1, 40, 40, 1)` is the sine network of Finn et al. (2017, section 5.1). Raises InputError.
    """
    if len(sizes) < 2:
        raise InputError(f"sizes is {sizes}; give at least an input and an output size")
    at_least(1, **{f"sizes[{i}]": size for i, size in enumerate(sizes)})

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    return Model(build)
