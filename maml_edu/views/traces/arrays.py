"""Helpers of several traces: tensors as arrays, main directions, names of classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch._dynamo
from torch import Tensor


def as_array(tensor: Tensor) -> np.ndarray:
    """A tensor as a float64 array."""
    return tensor.detach().to("cpu", torch.float64).numpy()


def finite_rows(rows: Tensor) -> Tensor:
    """The rows of (…, n) whose length is finite: (rows, n)."""
    rows = rows.reshape(-1, rows.shape[-1])
    return rows[rows.square().sum(1).isfinite()]


def main_directions(rows: Tensor) -> Tensor:
    """The two directions that hold most of the squared length of rows (n, d): (2, d).

    They are at right angles and of length 1, or 0 where the rows need fewer.
    """
    _, lengths, directions = torch.linalg.svd(rows, full_matrices=False)
    directions = directions[:2] * (lengths[:2, None] > 0)
    return torch.cat([directions, rows.new_zeros(2 - len(directions), rows.shape[1])])


def explained_fraction(rows: Tensor, directions: Tensor) -> float:
    """The fraction of the squared length of rows (n, d) that lies along the directions (2, d)."""
    total, inside = (part.square().sum().item() for part in (rows, rows @ directions.T))
    return min(inside / total, 1.0) if total > 0 else 1.0


def label_name(label: int) -> str:
    """A, B, …, Z, AA, AB, …: what a task's label 0, 1, … is called."""
    rest, letter = divmod(label, 26)
    return (label_name(rest - 1) if rest else "") + chr(ord("A") + letter)


def class_names(names: Sequence[str] | None, way: int) -> tuple[str, ...]:
    """The names of `way` classes (default: A, B, C, …); ValueError if there are too few."""
    names = [label_name(label) for label in range(way)] if names is None else names
    if len(names) < way:
        raise ValueError(f"names has {len(names)} entries; it must have {way}, one a class")
    return tuple(names[:way])
