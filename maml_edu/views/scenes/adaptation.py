"""Learners adapting to one regression task: function, losses and path at every inner step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import shared
from maml_edu.views.scenes.axis import Axis, finite_range, padded, value_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Line, Mark, Points, Trail
from maml_edu.views.scenes.shared import Notes, cut_after, fmt, hold_last, with_notes
from maml_edu.views.scenes.style import series


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


@dataclass(frozen=True)
class ComparisonTrace:
    """One AdaptationTrace for each learner, all of the same task."""

    traces: tuple[AdaptationTrace, ...]


@scene.register
def adaptation_scene(trace: AdaptationTrace) -> Scene:
    """Three panels: `function` (main), `losses` and `path`; a frame per inner step."""
    axes = _function_axes((trace,))
    gone = _first_diverged(trace, axes[1])
    notes = shared.divergence_notes(gone, trace.inner_steps + 1)
    losses = shared.two_losses(trace.support_loss, trace.query_loss, notes=notes)
    panels = [_function(trace, axes, gone, notes), losses, _path(trace, gone, notes)]
    what, last = f"{trace.learner} with {trace.rate}", trace.inner_steps
    shots = f"{len(trace.support_x)} support points"
    summary = [f"{what}, inner step {i} of {last}, {shots}. {a}" for i, a in enumerate(losses.alt)]
    return Scene(f"{trace.learner}, {trace.rate}", panels, with_notes(summary, notes))


@scene.register
def comparison_scene(trace: ComparisonTrace) -> Scene:
    """Two panels, `function` (main) and `losses` (query loss); one frame moves all learners.

    A learner that takes fewer steps than the others stays at its last one.
    """
    if not trace.traces:
        raise ValueError("traces is empty; a comparison needs at least one AdaptationTrace")
    frames = max(len(one.curves) for one in trace.traces)
    axes = _function_axes(trace.traces)
    gone = [(one.learner, _first_diverged(one, axes[1])) for one in trace.traces]
    notes = shared.left_notes(gone, frames)
    truth, points = _task_marks(trace.traces[0])
    lines, losses = [], []
    for i, (one, (name, k)) in enumerate(zip(trace.traces, gone, strict=True)):
        curves = hold_last(cut_after(k, one.curves), frames)
        lines.append(Line(series(i), name, one.grid_x, curves))
        losses.append((series(i), name, hold_last(one.query_loss, frames)))
    names = ", ".join(name for name, _ in gone)
    alt = [f"The functions of {names} after inner step {step}." for step in range(frames)]
    functions = Panel("function", "Functions", [*truth, *lines, *points], alt, *axes, notes=notes)
    panel = shared.loss_panel(losses, what="Query loss")
    summary = [f"One task, {frames - 1} inner steps. {text}" for text in panel.alt]
    return Scene(f"{names} on one task", [functions, panel], with_notes(summary, notes))


def _function_axes(traces: Sequence[AdaptationTrace]) -> tuple[Axis, Axis]:
    """Axes that hold the task's data, and each learner's function unless it runs far away."""
    task = traces[0]
    fixed = [task.support_y, task.query_y]
    fixed += [] if task.true_curve is None else [task.true_curve]
    low, high = finite_range(*fixed)
    reach = 20 * max(high - low, 0.1)  # a theta beyond that is itself off the picture
    fixed += [np.clip(t.curves[0], low - reach, high + reach) for t in traces]
    x = Axis("x", finite_range(task.grid_x, task.support_x, task.query_x))
    return x, value_axis("y", fixed, [t.curves for t in traces])


def _first_diverged(trace: AdaptationTrace, y: Axis) -> int | None:
    """The first inner step that the picture cannot hold, or None.

    That is a step where something is not finite, most of the function lies outside the axis, or a
    loss is over 100 times what it was at theta.
    """
    low, high = y.domain
    outside = (~((trace.curves >= low) & (trace.curves <= high))).mean(1) > 0.5
    outside |= shared.too_high([trace.support_loss, trace.query_loss])
    return shared.first(outside | ~np.isfinite(trace.curves).all(1))


def _task_marks(trace: AdaptationTrace) -> tuple[list[Mark], list[Mark]]:
    """What belongs to the task: its function if it is known; its query and support points."""
    known = trace.true_curve is not None
    truth = [Line("truth", "the task", trace.grid_x, trace.true_curve)] if known else []
    query = Points("query", "query points", trace.query_x, trace.query_y)
    return truth, [query, Points("support", "support points", trace.support_x, trace.support_y)]


def _function(
    trace: AdaptationTrace, axes: tuple[Axis, Axis], gone: int | None, notes: Notes
) -> Panel:
    """The network's function at each step over the task's own, with support and query points."""
    truth, points = _task_marks(trace)
    before = Line("theta", "at theta (step 0)", trace.grid_x, trace.curves[0])
    adapted = Line("adapted", "adapted", trace.grid_x, cut_after(gone, trace.curves))
    alt = []
    for step, curve in enumerate(trace.curves):
        low, high = map(fmt, finite_range(curve))
        where = f"runs from y = {low} to {high}" if np.isfinite(curve).all() else "is not finite"
        alt.append(f"The {trace.learner} function after inner step {step} {where}.")
    marks = [*truth, before, adapted, *points]
    return Panel("function", "Function", marks, alt, *axes, notes=notes)


def _path(trace: AdaptationTrace, gone: int | None, notes: Notes) -> Panel:
    """The way of the parameters in the plane that holds most of it."""
    shown = trace.path[: max(gone, 1)] if gone is not None else trace.path
    labels = shared.directions(trace.explained_fraction)
    ranges = [padded(*finite_range(along), by=0.12) for along in shown.T]
    x, y = cut_after(gone, trace.path).T
    marks = [Trail("adapted", "adapted", x, y), Points("theta", "theta", x[:1], y[:1])]
    points = [shared.fmt_point(*at) for at in trace.path]
    alt = [f"The parameters are at {at} after inner step {i}." for i, at in enumerate(points)]
    axes = map(Axis, labels, ranges)
    return Panel("path", "Path of the parameters", marks, alt, *axes, place="side", notes=notes)
