"""A loss over a plane of parameters: contours, the paths of several tasks, losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import divergence
from maml_edu.views.scenes.axis import Axis, finite_range
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Points, Trail
from maml_edu.views.scenes.panels import two_losses
from maml_edu.views.scenes.plane import contours
from maml_edu.views.scenes.style import series
from maml_edu.views.scenes.words import fmt, fmt_percent, fmt_point

LEVELS = 12
DEEPEST = 1e-3  # of the highest point: contours below that would crowd around a loss of nothing


@dataclass(frozen=True)
class LandscapeTrace:
    """One task's loss over a plane in the space of a network's parameters, with the paths of
    several tasks that adapt, as far as they lie in the plane. theta is at (0, 0).
    """

    learner: str  # "MAML"
    rate: str  # how far it steps, in words: "inner_lr 0.01", "learned inner_lr"
    task: str  # whose loss it is: one of the names in `paths`
    on: str  # which loss: "support" or "query"
    plane: str  # which plane, in words
    axis_x: np.ndarray  # (columns,) along the first direction, in the parameters' own units
    axis_y: np.ndarray  # (rows,) along the second
    height: np.ndarray  # (rows, columns) the loss at each point of the plane
    paths: dict[str, np.ndarray]  # name -> (steps + 1, 2) a task's parameters, in the plane
    explained_fraction: float  # of the squared distances from theta, what lies in it: 0 to 1
    support_loss: np.ndarray  # (steps + 1,) the task's, at its real parameters
    query_loss: np.ndarray  # (steps + 1,) the same for its query set

    @property
    def inner_steps(self) -> int:
        return len(self.support_loss) - 1


@scene.register
def landscape_scene(trace: LandscapeTrace) -> Scene:
    """Two panels, `landscape` (main) and `losses` of its task; a frame per inner step."""
    frames = trace.inner_steps + 1
    explained = fmt_percent(trace.explained_fraction, ".2g")
    label = f"direction 1 (this plane holds {explained} of the motion)"
    axes = Axis(label, finite_range(trace.axis_x)), Axis("direction 2", finite_range(trace.axis_y))
    gone = {name: first_outside(path, axes) for name, path in trace.paths.items()}
    left = divergence.left_notes(list(gone.items()), frames)
    losses = trace.support_loss, trace.query_loss
    diverged = divergence.divergence_notes(divergence.first(divergence.too_high(losses)), frames)
    panels = [_map(trace, axes, gone, left), two_losses(*losses, notes=diverged)]
    notes = [a or b for a, b in zip(left, diverged, strict=True)]
    summary = divergence.with_notes([_summary(trace, step) for step in range(frames)], notes)
    return Scene(f"{trace.learner}, {trace.rate}: {trace.task}", panels, summary)


def levels(height: np.ndarray) -> np.ndarray:
    """Heights for the contours, each the same factor above the one before; none for losses of 0."""
    low, high = finite_range(height)
    low = max(low, DEEPEST * high)
    if not low > 0:
        return np.array([])
    return low * (high / low) ** (np.arange(1, LEVELS + 1) / (LEVELS + 1))


def first_outside(path: np.ndarray, axes: tuple[Axis, Axis]) -> int | None:
    """The first inner step at which a path is outside the picture, or None."""
    low, high = np.transpose([axis.domain for axis in axes])
    return divergence.first(~((path >= low) & (path <= high)).all(1))


def _map(
    trace: LandscapeTrace,
    axes: tuple[Axis, Axis],
    gone: dict[str, int | None],
    notes: list[str | None],
) -> Panel:
    heights, name = levels(trace.height), f"equal {trace.on} loss"
    marks = [contours(trace, heights, name)]
    loss = trace.support_loss if trace.on == "support" else trace.query_loss
    for i, (name, path) in enumerate(trace.paths.items()):
        readout = [f"{trace.on} loss {fmt(v)}" for v in loss] if name == trace.task else None
        marks.append(Trail(series(i), name, *divergence.cut_after(gone[name], path).T, readout))
    marks.append(Points("theta", "theta", np.zeros(1), np.zeros(1)))
    caption = None
    if len(heights):
        ends, factor = map(fmt, heights[[0, -1]]), heights[1] / heights[0]
        caption = f"Lines from {' to '.join(ends)},\neach {factor:.3g} times the one below."
    title = f"{trace.on.capitalize()} loss of {trace.task}, {trace.plane}"
    alt = [_alt(trace, step) for step in range(trace.inner_steps + 1)]
    return Panel("landscape", title, marks, alt, *axes, equal=True, notes=notes, caption=caption)


def _alt(trace: LandscapeTrace, step: int) -> str:
    low, high = map(fmt, finite_range(trace.height))
    text = f"Contours of the {trace.on} loss of {trace.task}, from {low} to {high}, over "
    text += f"{trace.plane}, with the paths of {len(trace.paths)} tasks from theta at (0, 0)."
    at = fmt_point(*trace.paths[trace.task][step])
    return f"{text} After inner step {step}, {trace.task} is at {at}."


def _summary(trace: LandscapeTrace, step: int) -> str:
    support, query = map(fmt, (trace.support_loss[step], trace.query_loss[step]))
    text = f"{trace.learner} with {trace.rate}, inner step {step} of {trace.inner_steps}: "
    return text + f"support loss of {trace.task} {support}, query loss {query}. {_alt(trace, step)}"
