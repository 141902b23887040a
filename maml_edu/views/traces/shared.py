"""Helpers of several traces: tensors as arrays, main directions, names of classes, rates."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch._dynamo  # the first gradient would load it, for a second, amid a picture
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners import GradientLearner, Learner


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


def rate_label(learner: Learner, theta: Theta, inner_steps: int) -> str:
    """How far a learner steps from theta, in words.

    "inner_lr 0.01": one number for all that adapts. "inner_lr by layer", "by step" or "by layer and
    step": given numbers that differ. "learned inner_lr": theta holds the rates. "no inner_lr":
    nothing moves along a gradient.
    """
    if not isinstance(learner, GradientLearner):
        return "no inner_lr"
    if learner.param_groups(theta).get("rates_lr"):
        return "learned inner_lr"
    _, rates = learner.params_and_rates(theta, inner_steps)
    steps = []  # all numbers in the rate of each
    for rate in (rates if isinstance(rates, Sequence) else [rates])[: max(inner_steps, 1)]:
        parts = rate.values() if isinstance(rate, Mapping) else [rate]
        steps.append([v for part in parts for v in torch.as_tensor(part).flatten().tolist()])
    every = {value for values in steps for value in values}
    if len(every) == 1:
        return f"inner_lr {every.pop():.3g}"
    by = ["layer"] * any(len(set(values)) > 1 for values in steps)
    by += ["step"] * any(values != steps[0] for values in steps)
    return f"inner_lr by {' and '.join(by)}" if every else "no inner_lr"
