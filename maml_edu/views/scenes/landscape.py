"""The scene of a loss over a plane of parameters: contours, the paths of several tasks, losses."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.adaptation import divergence_notes, losses, until
from maml_edu.views.scenes.plane import contours
from maml_edu.views.scenes.records import LandscapeTrace
from maml_edu.views.scenes.style import series

LEVELS = 12
DEEPEST = 1e-3  # of the highest point: contours below that would crowd around a loss of nothing


@scene.register
def landscape(record: LandscapeTrace) -> dict:
    """Two panels, `landscape` (main) and `losses` of its task; a frame per inner step."""
    on = tuple(
        axes.axis(label, axes.finite_range(values))
        for label, values in (
            (f"direction 1 (this plane holds {_share(record)} of the motion)", record.axis_x),
            ("direction 2", record.axis_y),
        )
    )
    panels = [_map(record, on), losses(record, _too_high(record))]
    rate = "learned inner_lr" if record.inner_lr is None else f"inner_lr {record.inner_lr:.3g}"
    summary = [_summary(record, step, on, rate) for step in range(record.inner_steps + 1)]
    return finish(f"{record.learner}, {rate}: {record.task}", panels, summary)


def levels(height: np.ndarray) -> np.ndarray:
    """Heights for the contours, each the same factor above the one before."""
    low, high = axes.finite_range(height)
    low = max(low, DEEPEST * high)
    return low * (high / low) ** (np.arange(1, LEVELS + 1) / (LEVELS + 1)) if low > 0 else []


def first_diverged(path: np.ndarray, on: tuple[dict, dict]) -> int | None:
    """The first inner step at which a path is outside the picture, or None."""
    low, high = np.array([axis["domain"] for axis in on], dtype=float).T
    outside = ~((path >= low) & (path <= high)).all(1)
    return int(np.argmax(outside)) if outside.any() else None


def _map(record: LandscapeTrace, on: tuple[dict, dict]) -> dict:
    heights = levels(record.height)
    lines = {**contours(record, on, heights), "name": f"equal {record.on} loss"}
    drawn = [lines]
    seen = {"support": record.support_loss, "query": record.query_loss}[record.on]
    for i, (name, path) in enumerate(record.paths.items()):
        own = name == record.task
        readout = [f"{record.on} loss {marks.said(v)}" for v in seen] if own else None
        x, y = until(first_diverged(path, on), path).T
        drawn.append(marks.trail(series(i), name, x, y, on, readout=readout))
    drawn.append(marks.points("theta", "theta", np.zeros(1), np.zeros(1), on))
    title = f"{record.on.capitalize()} loss of {record.task}, {record.plane}"
    alt = [_alt(record, step, on) for step in range(record.inner_steps + 1)]
    panel = marks.panel("landscape", title, *on, drawn, alt, equal=True)
    panel["notes"] = _notes(record, on)
    if len(heights):
        ends, factor = (marks.said(v) for v in heights[[0, -1]]), heights[1] / heights[0]
        panel["caption"] = (
            f"Lines from {' to '.join(ends)},\neach {factor:.3g} times the one below."
        )
    return panel


def _notes(record: LandscapeTrace, on: tuple[dict, dict]) -> list[str | None]:
    notes = []
    gone = [(name, first_diverged(path, on)) for name, path in record.paths.items()]
    for step in range(record.inner_steps + 1):
        left = [f"{name} at step {k}" for name, k in gone if k is not None and step >= k]
        notes.append(f"left the picture: {', '.join(left)}" if left else None)
    return notes


def _too_high(record: LandscapeTrace) -> int | None:
    """The first inner step at which a loss is not finite, or 100 times that at theta, or None."""
    both = np.stack([record.support_loss, record.query_loss])
    outside = ~(both <= axes.loss_cap(list(both))).all(0)
    return int(np.argmax(outside)) if outside.any() else None


def _share(record: LandscapeTrace) -> str:
    return f"{100 * record.share:.2g}%"


def _alt(record: LandscapeTrace, step: int, on: tuple[dict, dict]) -> str:
    low, high = (marks.said(v) for v in axes.finite_range(record.height))
    text = f"Contours of the {record.on} loss of {record.task}, from {low} to {high}, over "
    text += f"{record.plane}, with the paths of {len(record.paths)} tasks from theta at (0, 0)."
    x, y = (marks.said(v) for v in record.paths[record.task][step] + 0.0)  # no -0
    return f"{text} After inner step {step}, {record.task} is at ({x}, {y})."


def _summary(record: LandscapeTrace, step: int, on: tuple[dict, dict], rate: str) -> str:
    a, b = (marks.said(loss[step]) for loss in (record.support_loss, record.query_loss))
    text = f"{record.learner} with {rate}, inner step {step} of {record.inner_steps}: "
    text += f"support loss of {record.task} {a}, query loss {b}. {_alt(record, step, on)}"
    note = _notes(record, on)[step] or divergence_notes(_too_high(record), step + 1)[step]
    return f"{text} {note.capitalize()}." if note else text
