"""A loss over a plane of parameters: contours, the paths of several tasks, losses."""

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import shared
from maml_edu.views.scenes.axis import Axis, finite_range
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Mark, Points, Trail
from maml_edu.views.scenes.plane import LEVELS, contours
from maml_edu.views.scenes.shared import fmt
from maml_edu.views.scenes.style import series

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
    frames, losses = trace.inner_steps + 1, (trace.support_loss, trace.query_loss)
    ranges = map(finite_range, (trace.axis_x, trace.axis_y))
    axes = tuple(map(Axis, shared.directions(trace.explained_fraction), ranges))
    gone = {name: _first_outside(path, axes) for name, path in trace.paths.items()}
    left = shared.left_notes(gone.items(), frames)
    diverged = shared.divergence_notes(shared.first(shared.too_high(losses)), frames)
    marks, caption = _marks(trace, gone)
    words = {"alt": _alt(trace), "notes": left, "caption": caption}
    title = f"{trace.on.capitalize()} loss of {trace.task}, {trace.plane}"
    plane = Panel("landscape", title, marks, x=axes[0], y=axes[1], equal=True, **words)
    panel = shared.two_losses(*losses, notes=diverged)
    start = f"{trace.learner} with {trace.rate}, {trace.inner_steps} inner steps."
    summary = [f"{start} {a} {b}" for a, b in zip(panel.alt, plane.alt, strict=True)]
    notes = [a or b for a, b in zip(left, diverged, strict=True)]
    title = f"{trace.learner}, {trace.rate}: {trace.task}"
    return Scene(title, [plane, panel], shared.with_notes(summary, notes))


def levels(height: np.ndarray) -> np.ndarray:
    """Heights for the contours, each the same factor above the one before; none for losses of 0."""
    low, high = finite_range(height)
    low = max(low, DEEPEST * high)
    if not low > 0:
        return np.array([])
    return low * (high / low) ** (np.arange(1, LEVELS + 1) / (LEVELS + 1))


def _first_outside(path: np.ndarray, axes: tuple[Axis, Axis]) -> int | None:
    """The first inner step at which a path is outside the picture, or None."""
    low, high = np.transpose([axis.domain for axis in axes])
    return shared.first(~((path >= low) & (path <= high)).all(1))


def _marks(trace: LandscapeTrace, gone: dict[str, int | None]) -> tuple[list[Mark], str | None]:
    """Contours, paths up to where they leave, theta; and what the contours' heights are."""
    heights, caption = levels(trace.height), None
    if len(heights):
        low, high, factor = map(fmt, (heights[0], heights[-1], heights[1] / heights[0]))
        caption = f"Lines from {low} to {high},\neach {factor} times the one below."
    marks = [contours(trace, heights, f"equal {trace.on} loss")]
    loss = trace.support_loss if trace.on == "support" else trace.query_loss
    for i, (name, path) in enumerate(trace.paths.items()):
        readout = [f"{trace.on} loss {fmt(v)}" for v in loss] if name == trace.task else None
        marks.append(Trail(series(i), name, *shared.cut_after(gone[name], path).T, readout))
    return [*marks, Points("theta", "theta", np.zeros(1), np.zeros(1))], caption


def _alt(trace: LandscapeTrace) -> list[str]:
    low, high = map(fmt, finite_range(trace.height))
    text = f"Contours of the {trace.on} loss of {trace.task}, from {low} to {high}, over "
    text += f"{trace.plane}, with the paths of {len(trace.paths)} tasks from theta at (0, 0)."
    places = enumerate(shared.fmt_point(*at) for at in trace.paths[trace.task])
    return [f"{text} After inner step {k}, {trace.task} is at {at}." for k, at in places]
