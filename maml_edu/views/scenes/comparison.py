"""The scene of several learners adapting to the very same task."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.adaptation import first_diverged, function_axes, task_marks, until
from maml_edu.views.scenes.records import ComparisonTrace
from maml_edu.views.scenes.style import series


@scene.register
def comparison(record: ComparisonTrace) -> dict:
    """Two panels, `function` (main) and `losses` (query loss); one frame moves all learners.

    A learner that takes fewer steps than the others stays at its last one.
    """
    if not record.traces:
        raise ValueError("traces is empty; a comparison needs at least one AdaptationTrace")
    frames = max(len(trace.curves) for trace in record.traces)
    notes = _notes(record, frames)
    panels = [_functions(record, frames, notes), _losses(record, frames)]
    names = ", ".join(trace.learner for trace in record.traces)
    summary = []
    for step in range(frames):
        losses = "; ".join(
            f"{t.learner} {marks.said(t.query_loss[min(step, t.inner_steps)])}"
            for t in record.traces
        )
        text = f"Inner step {step} of {frames - 1}, one task, query loss of each learner: {losses}."
        summary.append(f"{text} {notes[step]}." if notes[step] else text)
    return finish(f"{names} on one task", panels, summary)


def _functions(record: ComparisonTrace, frames: int, notes: list[str | None]) -> dict:
    on = function_axes(record.traces)
    gone = [first_diverged(t, on) for t in record.traces]
    drawn = task_marks(record.traces[0], on)
    curves = [
        marks.line(series(i), t.learner, t.grid_x, marks.held(until(k, t.curves), frames), on)
        for i, (t, k) in enumerate(zip(record.traces, gone, strict=True))
    ]
    drawn[-2:-2] = curves  # over the task's function, under the points
    names = ", ".join(t.learner for t in record.traces)
    alt = [f"The functions of {names} after inner step {step}." for step in range(frames)]
    return marks.panel("function", "Functions", *on, drawn, alt, notes=notes)


def _losses(record: ComparisonTrace, frames: int) -> dict:
    losses = [marks.held(t.query_loss, frames) for t in record.traces]
    on = axes.step_axis(frames - 1), axes.loss_axis(losses)
    steps = np.arange(frames)
    drawn = [
        marks.trail(series(i), t.learner, steps, loss, on, readout=[marks.said(v) for v in loss])
        for i, (t, loss) in enumerate(zip(record.traces, losses, strict=True))
    ]
    alt = [f"Query loss of each learner at inner step {step}." for step in range(frames)]
    return marks.panel("losses", "Query loss (mean squared error)", *on, drawn, alt, place="side")


def _notes(record: ComparisonTrace, frames: int) -> list[str | None]:
    on = function_axes(record.traces)
    gone = [(t.learner, first_diverged(t, on)) for t in record.traces]
    notes = []
    for step in range(frames):
        left = [f"{name} at step {k}" for name, k in gone if k is not None and step >= k]
        notes.append(f"left the picture: {', '.join(left)}" if left else None)
    return notes
