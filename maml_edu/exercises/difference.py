"""How an answer differs from the expected one, in words."""

import reprlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

NUMERIC = (Tensor, np.ndarray, np.number, np.bool_, int, float, complex)  # a bool is an int
shown = reprlib.repr  # short, and also of what has no repr


def difference(answer: Any, expected: Any, tolerance: float = 0.0) -> str:
    """How an answer differs from the expected one, in words; "" where they are the same.

    Numbers may differ by `tolerance` times the largest expected one. Arrays, numbers and lists of
    numbers count as tensors, a list as a tuple. Complex numbers are wrong, and so is True for 1.
    """
    asked = f"it returns {kind(answer)}; {kind(expected)} was asked for"
    if isinstance(expected, dict):
        if not isinstance(answer, dict) or answer.keys() != expected.keys():
            return asked
        parts = [(f"{name}: ", answer[name], right) for name, right in expected.items()]
    elif isinstance(expected, list | tuple):
        if not isinstance(answer, list | tuple) or len(answer) != len(expected):
            return asked
        pairs = zip(answer, expected, strict=True)
        parts = [(f"[{i}]: ", *pair) for i, pair in enumerate(pairs)]
    elif isinstance(expected, NUMERIC):
        found = numbers(answer)
        return asked if found is None else _of_numbers(found, numbers(expected), tolerance)
    else:
        same = answer is expected or (type(answer) is type(expected) and answer == expected)
        return "" if same else f"it gives {shown(answer)} where {shown(expected)} is right"
    told = ((place, difference(part, right, tolerance)) for place, part, right in parts)
    return next((place + said for place, said in told if said), "")


def _of_numbers(found: Tensor, right: Tensor, tolerance: float) -> str:
    if found.is_complex():
        return "it returns complex numbers; real ones were asked for"
    if found.shape != right.shape:
        return f"it returns {kind(found)} where {kind(right)} was asked for"
    if found.dtype == torch.bool != right.dtype:
        return "it returns True or False; numbers were asked for"
    if found.dtype != torch.bool == right.dtype:
        return "it returns numbers; True or False was asked for"
    x, y = found.double(), right.double()
    known = y[~y.isnan()].abs()
    bound = tolerance * known.max().clamp_min(1e-12) if known.numel() else 0.0
    off = ~((x - y).abs() <= bound) & ~(x.isnan() & y.isnan())  # so that another nan is off
    if not off.any():
        return ""
    if x.isnan().any() and not y.isnan().any():
        return "it gives nan: is there a division by 0, or the root or logarithm of a number below?"
    return f"the numbers differ: it gives {x[off][0]:.4g} where {y[off][0]:.4g} is right"


def numbers(value: Any) -> Tensor | None:
    """The numbers of a tensor, an array, a number or a (nested) list of numbers, as a tensor
    without a graph, on the CPU; None where there are none."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    listed = isinstance(value, list | tuple)
    if not listed and not isinstance(value, NUMERIC):
        return None
    if listed and any(isinstance(one, Tensor) and one.dim() for one in value):
        return None  # a list of tensors is to be stacked
    try:
        return torch.from_numpy(np.array(value))
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def kind(value: Any) -> str:
    """What a value is: "a list of 3", "a tensor of shape (2, 4)", "a dict with 'w'"."""
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(shown, value)) or 'nothing in it'}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, Tensor | np.ndarray) and value.shape:
        name = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{name} of shape {tuple(value.shape)}"
    if value is None or isinstance(value, bool | np.bool_):
        return str(value)
    return "a single number" if isinstance(value, NUMERIC) else f"a {type(value).__name__}"
