"""Panels that several scenes share: losses and accuracy against the inner step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maml_edu.views.scenes.axis import Axis, loss_axis, step_axis
from maml_edu.views.scenes.base import Panel
from maml_edu.views.scenes.divergence import cut_after
from maml_edu.views.scenes.marks import Line, Trail
from maml_edu.views.scenes.words import fmt, fmt_percent

MSE, CROSS_ENTROPY = ("mean squared error", "MSE"), ("cross-entropy", "nats")


def loss_panel(
    losses: Sequence[tuple[str, str, np.ndarray]],
    *,
    what: str = "Loss",
    measure: tuple[str, str] = MSE,
    gone: int | None = None,
    notes: Sequence[str | None] | None = None,
) -> Panel:
    """Losses, (role, name, (steps + 1,)), against the inner step; blank after step `gone`."""
    values = [loss for *_, loss in losses]
    steps = np.arange(len(values[0]))
    trails = [
        Trail(role, name, steps, cut_after(gone, loss), [fmt(v) for v in loss])
        for role, name, loss in losses
    ]
    now = ["; ".join(f"{t.name} {t.readout[step]}" for t in trails) for step in steps]
    alt = [f"{what} at inner step {step}: {text}." for step, text in enumerate(now)]
    x, y = step_axis(len(steps) - 1), loss_axis(values, measure[1])
    return Panel("losses", f"{what} ({measure[0]})", trails, alt, x, y, place="side", notes=notes)


def two_losses(support: np.ndarray, query: np.ndarray, **options: object) -> Panel:
    """The `loss_panel` of one task's support and query loss, each (steps + 1,)."""
    return loss_panel([("support", "support", support), ("query", "query", query)], **options)


def accuracy_panel(accuracy: np.ndarray, way: int, x: Axis) -> Panel:
    """The fraction of queries answered rightly, (frames,), above that of guessing."""
    readout = [fmt_percent(value) for value in accuracy]
    marks = [
        Line("theta", "guessing", np.array(x.domain), np.full(2, 1 / way)),
        Trail("adapted", "queries right", np.arange(len(accuracy)), accuracy, readout),
    ]
    alt = [f"{right} of the queries are right at {x.label} {i}." for i, right in enumerate(readout)]
    y = Axis("fraction right", (0.0, 1.04))
    return Panel("accuracy", "Accuracy", marks, alt, x, y, place="side")
