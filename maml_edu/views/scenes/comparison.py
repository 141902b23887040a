"""Several learners adapting to the very same task."""

from __future__ import annotations

from dataclasses import dataclass

from maml_edu.views.scenes.adaptation import (
    AdaptationTrace,
    first_diverged,
    function_axes,
    task_marks,
)
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.divergence import cut_after, hold_last, left_notes, with_notes
from maml_edu.views.scenes.marks import Line
from maml_edu.views.scenes.panels import loss_panel
from maml_edu.views.scenes.style import series
from maml_edu.views.scenes.words import fmt


@dataclass(frozen=True)
class ComparisonTrace:
    """One AdaptationTrace for each learner, all of the same task."""

    traces: tuple[AdaptationTrace, ...]


@scene.register
def comparison_scene(trace: ComparisonTrace) -> Scene:
    """Two panels, `function` (main) and `losses` (query loss); one frame moves all learners.

    A learner that takes fewer steps than the others stays at its last one.
    """
    if not trace.traces:
        raise ValueError("traces is empty; a comparison needs at least one AdaptationTrace")
    frames = max(len(one.curves) for one in trace.traces)
    axes = function_axes(trace.traces)
    gone = [first_diverged(one, axes) for one in trace.traces]
    names = [one.learner for one in trace.traces]
    notes = left_notes(list(zip(names, gone, strict=True)), frames)
    lines = [
        Line(series(i), t.learner, t.grid_x, hold_last(cut_after(k, t.curves), frames))
        for i, (t, k) in enumerate(zip(trace.traces, gone, strict=True))
    ]
    truth, points = task_marks(trace.traces[0])
    alt = [
        f"The functions of {', '.join(names)} after inner step {step}." for step in range(frames)
    ]
    functions = Panel("function", "Functions", [*truth, *lines, *points], alt, *axes, notes=notes)
    title = f"{', '.join(names)} on one task"
    summary = with_notes([_summary(trace, step, frames) for step in range(frames)], notes)
    return Scene(title, [functions, _losses(trace, frames)], summary)


def _losses(trace: ComparisonTrace, frames: int) -> Panel:
    held = [hold_last(t.query_loss, frames) for t in trace.traces]
    losses = [(series(i), t.learner, held[i]) for i, t in enumerate(trace.traces)]
    return loss_panel(losses, what="Query loss")


def _summary(trace: ComparisonTrace, step: int, frames: int) -> str:
    losses = "; ".join(
        f"{t.learner} {fmt(t.query_loss[min(step, t.inner_steps)])}" for t in trace.traces
    )
    return f"Inner step {step} of {frames - 1}, one task, query loss of each learner: {losses}."
