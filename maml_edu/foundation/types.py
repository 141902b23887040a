"""The types that all rooms share, under one name each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from maml_edu.tasks import TaskBatch

Theta = dict[str, Tensor]  # parameters by name: the initialisation, or an adapted state
Rate = float | Tensor | Mapping[str, float | Tensor]  # an inner_lr: one for all, or by parameter
LossFn = Callable[[Theta, Tensor, Tensor], Tensor]  # (theta, x, y) -> a scalar
Gradient = Callable[[Theta, "TaskBatch"], tuple[Theta, Tensor]]  # -> d loss / d theta, the loss
