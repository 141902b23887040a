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
    losses: Sequence[tuple[str, np.ndarray]],
    roles: Sequence[str],
    alt: Sequence[str],
    *,
    what: str = "Loss",
    measure: tuple[str, str] = MSE,
    gone: int | None = None,
    notes: Sequence[str | None] | None = None,
) -> Panel:
    """Losses, (name, (steps + 1,)), against the inner step; blank after step `gone`."""
    frames = len(alt)
    trails = [
        Trail(role, name, np.arange(frames), cut_after(gone, loss), [fmt(v) for v in loss])
        for role, (name, loss) in zip(roles, losses, strict=True)
    ]
    x, y = step_axis(frames - 1), loss_axis([loss for _, loss in losses], measure[1])
    return Panel("losses", f"{what} ({measure[0]})", trails, alt, x, y, place="side", notes=notes)


def two_losses(
    support: np.ndarray,
    query: np.ndarray,
    notes: Sequence[str | None],
    measure: tuple[str, str] = MSE,
    gone: int | None = None,
) -> Panel:
    """The `loss_panel` of one task's support and query loss, each (steps + 1,)."""
    alt = [
        f"Support loss {fmt(a)} and query loss {fmt(b)} at inner step {step}."
        for step, (a, b) in enumerate(zip(support, query, strict=True))
    ]
    losses = [("support", support), ("query", query)]
    return loss_panel(losses, ("support", "query"), alt, measure=measure, gone=gone, notes=notes)


def accuracy_panel(accuracy: np.ndarray, way: int, x: Axis, steps: Sequence[str]) -> Panel:
    """The fraction of queries answered rightly, (frames,), above that of guessing.

    steps: what each frame is called, such as "at inner step 2".
    """
    readout = [fmt_percent(value) for value in accuracy]
    marks = [
        Line("theta", "guessing", np.array(x.domain), np.full(2, 1 / way)),
        Trail("adapted", "queries right", np.arange(len(accuracy)), accuracy, readout),
    ]
    alt = [f"{r} of the queries are right {at}." for r, at in zip(readout, steps, strict=True)]
    return Panel(
        "accuracy", "Accuracy", marks, alt, x, Axis("fraction right", (0.0, 1.04)), place="side"
    )
