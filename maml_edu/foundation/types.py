"""The types that all rooms share, and a check that refuses arrays which are not tensors."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

import torch
from torch import Tensor

from maml_edu.foundation.checks import InputError

Device = torch.device | str | None  # None: PyTorch's default
Samples = tuple[Tensor, Tensor]  # x and y of a support or query set
Theta = dict[str, Tensor]  # parameters by name: the initialisation, or an adapted state
Rate = float | Tensor | Mapping[str, float | Tensor]  # an inner_lr: one for all, or by parameter
Rates = Rate | Sequence[Rate]  # or by inner step
LossFn = Callable[[Theta, Tensor, Tensor], Tensor]  # (theta, x, y) -> a scalar
Batch = Any  # a TaskBatch of `maml_edu.tasks`, which stands on this room
Gradient = Callable[[Theta, Batch], tuple[Theta, Tensor]]  # -> d loss / d theta, and the loss


def refuse_arrays(dtype: torch.dtype | None = None, **named: object) -> None:
    """Raise an InputError that names the first argument which is an array of NumPy or the like."""
    for name, value in named.items():
        if hasattr(value, "__array__") and not isinstance(value, Tensor | Number):
            as_what = f"tensor of {dtype}" if dtype else "tensor"
            raise InputError(
                f"{name} is a {type(value).__name__} of {value.dtype}; it must be a {as_what}: "
                "see torch.as_tensor"
            )
