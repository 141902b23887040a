"""What pictures say of a learner's inner rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from maml_edu.foundation.types import Rate, Theta
from maml_edu.learners import GradientLearner, Learner


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
    steps = [_values(rate) for rate in (rates if isinstance(rates, Sequence) else [rates])]
    steps = steps[: max(inner_steps, 1)]
    every = {value for values in steps for value in values}
    if len(every) == 1:
        return f"inner_lr {every.pop():.3g}"
    by = ["layer"] * any(len(set(values)) > 1 for values in steps)
    by += ["step"] * any(values != steps[0] for values in steps)
    return f"inner_lr by {' and '.join(by)}" if every else "no inner_lr"


def _values(rate: Rate) -> list[float]:
    """All numbers in the rate of one inner step."""
    parts = rate.values() if isinstance(rate, Mapping) else [rate]
    return [value for part in parts for value in torch.as_tensor(part).flatten().tolist()]
