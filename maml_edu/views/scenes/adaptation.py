"""One learner adapting to one regression task: function, losses and path at every inner step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import divergence
from maml_edu.views.scenes.axis import Axis, finite_range, padded, value_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Line, Mark, Points, Trail
from maml_edu.views.scenes.panels import two_losses
from maml_edu.views.scenes.words import fmt, fmt_percent, fmt_point

Notes = Sequence[str | None]


@dataclass(frozen=True)
class AdaptationTrace:
    """One learner adapting to one regression task, at every inner step."""

    learner: str  # "MAML"
    rate: str  # how far it steps, in words: "inner_lr 0.01", "learned inner_lr"
    grid_x: np.ndarray  # (points,) where the function is drawn
    curves: np.ndarray  # (steps + 1, points) the network's function after each step
    true_curve: np.ndarray | None  # (points,) the task's own function, where it is known
    support_x: np.ndarray  # (shots,)
    support_y: np.ndarray  # (shots,)
    query_x: np.ndarray  # (queries,)
    query_y: np.ndarray  # (queries,)
    support_loss: np.ndarray  # (steps + 1,) mean squared error on the support set
    query_loss: np.ndarray  # (steps + 1,) mean squared error on the query set
    path: np.ndarray  # (steps + 1, 2) the parameters, in the plane that holds most of their motion
    explained_fraction: float  # of the motion's squared length, what lies in this plane: 0 to 1

    @property
    def inner_steps(self) -> int:
        return len(self.curves) - 1


@scene.register
def adaptation_scene(trace: AdaptationTrace) -> Scene:
    """Three panels: `function` (main), `losses` and `path`; a frame per inner step."""
    axes = function_axes((trace,))
    gone = first_diverged(trace, axes)
    notes = divergence.divergence_notes(gone, trace.inner_steps + 1)
    losses = two_losses(trace.support_loss, trace.query_loss, notes=notes)
    panels = [_function(trace, axes, gone, notes), losses, _path(trace, gone, notes)]
    summary = [_summary(trace, step) for step in range(len(notes))]
    return Scene(f"{trace.learner}, {trace.rate}", panels, divergence.with_notes(summary, notes))


def function_axes(traces: Sequence[AdaptationTrace]) -> tuple[Axis, Axis]:
    """Axes that hold the task's data, and each learner's function unless it runs far away."""
    task = traces[0]
    fixed = [task.support_y, task.query_y]
    if task.true_curve is not None:
        fixed.append(task.true_curve)
    low, high = finite_range(*fixed)
    reach = 20 * max(high - low, 0.1)  # a theta beyond that is itself off the picture
    fixed += [np.clip(t.curves[0], low - reach, high + reach) for t in traces]
    x = Axis("x", finite_range(task.grid_x, task.support_x, task.query_x))
    return x, value_axis("y", fixed, [t.curves for t in traces])


def first_diverged(trace: AdaptationTrace, axes: tuple[Axis, Axis]) -> int | None:
    """The first inner step that the picture cannot hold, or None.

    That is a step where something is not finite, most of the function lies outside the axes, or a
    loss is over 100 times what it was at theta.
    """
    low, high = axes[1].domain
    curves = np.where(np.isfinite(trace.curves), trace.curves, np.inf)
    outside = ((curves < low) | (curves > high)).mean(1) > 0.5
    outside |= divergence.too_high([trace.support_loss, trace.query_loss])
    return divergence.first(outside | ~np.isfinite(trace.curves).all(1))


def task_marks(trace: AdaptationTrace) -> tuple[list[Mark], list[Mark]]:
    """What belongs to the task: its function if it is known; its query and support points."""
    known = trace.true_curve is not None
    truth = [Line("truth", "the task", trace.grid_x, trace.true_curve)] if known else []
    query = Points("query", "query points", trace.query_x, trace.query_y)
    return truth, [query, Points("support", "support points", trace.support_x, trace.support_y)]


def _function(
    trace: AdaptationTrace, axes: tuple[Axis, Axis], gone: int | None, notes: Notes
) -> Panel:
    """The network's function at each step over the task's own, with support and query points."""
    truth, points = task_marks(trace)
    before = Line("theta", "at theta (step 0)", trace.grid_x, trace.curves[0])
    adapted = Line("adapted", "adapted", trace.grid_x, divergence.cut_after(gone, trace.curves))
    marks = [*truth, before, adapted, *points]
    alt = []
    for step, curve in enumerate(trace.curves):
        low, high = map(fmt, finite_range(curve))
        where = f"runs from y = {low} to {high}" if np.isfinite(curve).all() else "is not finite"
        shots = f"over {len(trace.support_x)} support points"
        alt.append(f"The {trace.learner} function after inner step {step} {where}, {shots}.")
    return Panel("function", "Function", marks, alt, *axes, notes=notes)


def _path(trace: AdaptationTrace, gone: int | None, notes: Notes) -> Panel:
    """The way of the parameters in the plane that holds most of it."""
    shown = trace.path[: max(gone, 1)] if gone is not None else trace.path
    explained = fmt_percent(trace.explained_fraction, ".3g")
    labels = f"direction 1 (the plane holds {explained} of the motion)", "direction 2"
    axes = [
        Axis(label, padded(*finite_range(along), by=0.12))
        for label, along in zip(labels, shown.T, strict=True)
    ]
    x, y = divergence.cut_after(gone, trace.path).T
    marks = [Trail("adapted", "adapted", x, y), Points("theta", "theta", x[:1], y[:1])]
    alt = [
        f"Step {step}: the parameters are at {fmt_point(*at)} in a plane that "
        f"holds {explained} of their motion."
        for step, at in enumerate(trace.path)
    ]
    return Panel("path", "Path of the parameters", marks, alt, *axes, place="side", notes=notes)


def _summary(trace: AdaptationTrace, step: int) -> str:
    support, query = map(fmt, (trace.support_loss[step], trace.query_loss[step]))
    text = f"{trace.learner} with {trace.rate}, inner step {step} of {trace.inner_steps}, "
    text += f"{len(trace.support_x)} support points: support loss {support}, query loss {query}"
    if step:
        text += f" (at theta {fmt(trace.support_loss[0])} and {fmt(trace.query_loss[0])})"
    return f"{text}."
