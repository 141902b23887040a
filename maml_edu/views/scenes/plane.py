"""A two-parameter objective: contours, gradients at theta as arrows, paths."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from contourpy import contour_generator

from maml_edu.views.scenes.axis import Axis, finite_range
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.divergence import hold_last
from maml_edu.views.scenes.marks import Arrow, Lines, Points, Trail
from maml_edu.views.scenes.style import series
from maml_edu.views.scenes.words import fmt, fmt_point

LEVELS = 12
LONGEST = 0.3  # the longest arrow, as a fraction of the plane's shorter side
SHORTEST = 1e-150  # a gradient below that is drawn as 0


@dataclass(frozen=True)
class PlaneTrace:
    """The meta-objective over a two-parameter theta, with gradients drawn at one point of it."""

    axis_x: np.ndarray  # (columns,) first parameter
    axis_y: np.ndarray  # (rows,) second parameter
    height: np.ndarray  # (rows, columns) the objective, mean over tasks
    theta: np.ndarray  # (2,) where the arrows start
    arrows: dict[str, np.ndarray]  # name -> (2,) a gradient at theta, as computed (not scaled)
    paths: dict[str, np.ndarray] = field(default_factory=dict)  # name -> (steps + 1, 2)
    points: dict[str, np.ndarray] = field(default_factory=dict)  # name -> (2,) e.g. minima
    x_label: str = "first parameter"
    y_label: str = "second parameter"
    title: str = "meta-objective"


@scene.register
def plane_scene(trace: PlaneTrace) -> Scene:
    """One panel, `plane`; the frames are the steps of its paths, one frame when it has none.

    All arrows are scaled by one factor, which the caption states, so their lengths compare.
    """
    axes = (
        Axis(trace.x_label, finite_range(trace.axis_x)),
        Axis(trace.y_label, finite_range(trace.axis_y)),
    )
    arrows, caption = _arrows(trace, axes)
    frames = max([len(path) for path in trace.paths.values()], default=1)
    marks = [contours(trace.axis_x, trace.axis_y, trace.height, levels(trace.height)), *arrows]
    for i, (name, path) in enumerate(trace.paths.items(), len(arrows)):
        marks.append(Trail(series(i), name, *hold_last(path, frames).T))
    marks.append(Points("theta", "theta", trace.theta[:1], trace.theta[1:]))
    for i, (name, at) in enumerate(trace.points.items(), len(arrows) + len(trace.paths)):
        marks.append(Points(series(i), name, at[:1], at[1:]))
    equal = 1 / 3 < axes[0].span / axes[1].span < 3  # then directions on the screen are true
    text = _text(trace)
    alt = [f"{text} Step {step} of {frames - 1}." if frames > 1 else text for step in range(frames)]
    panel = Panel("plane", trace.title, marks, alt, *axes, equal=equal, caption=caption)
    return Scene(trace.title, [panel], alt, "step")


def levels(height: np.ndarray) -> np.ndarray:
    """Heights for the contours: denser near the lowest point, where the reader looks."""
    low, high = finite_range(height)
    return low + (high - low) * (np.arange(1, LEVELS + 1) / (LEVELS + 1)) ** 2


def contours(
    x: np.ndarray,
    y: np.ndarray,
    height: np.ndarray,
    heights: np.ndarray,
    name: str = "equal height",
) -> Lines:
    """The lines at `heights` of a surface (rows, columns) over x (columns,) and y (rows,)."""
    lines: list[np.ndarray] = []
    if min(height.shape) > 1:
        masked = np.ma.masked_invalid(np.asarray(height, dtype=float))
        generator = contour_generator(x, y, masked)
        lines = [line for level in np.unique(heights) for line in generator.lines(level)]
    return Lines("contour", name, lines)


def _arrows(trace: PlaneTrace, axes: tuple[Axis, Axis]) -> tuple[list[Arrow], str | None]:
    """The arrows at one scale, and the sentence that states it."""
    if not trace.arrows:
        return [], None
    known = np.isfinite(trace.theta).all()
    start = [
        axis.place(at) if known else sum(axis.domain) / 2
        for axis, at in zip(axes, trace.theta, strict=True)
    ]
    scale = _arrow_scale(trace, axes) if known else 0.0
    drawn = []
    for i, (name, arrow) in enumerate(trace.arrows.items()):
        length = _length(arrow)
        tip = scale * arrow if np.isfinite(length) else np.zeros(2)
        # Earlier arrows are wider, so that one which lies on another does not hide it.
        width = 2 + 2 * (len(trace.arrows) - 1 - i)
        drawn.append(Arrow(series(i), name, start, tip, width, [f"length {fmt(length)}"]))
    return drawn, f"All arrows are drawn at one scale: {fmt(scale)} times their length."


def _length(arrow: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return float(np.hypot(*arrow))


def _arrow_scale(trace: PlaneTrace, axes: tuple[Axis, Axis]) -> float:
    """One factor for all: the longest takes 30% of the shorter side, less where it would leave."""
    lengths = [_length(arrow) for arrow in trace.arrows.values()]
    longest = max((length for length in lengths if np.isfinite(length)), default=0.0)
    if longest < SHORTEST:
        return 1.0
    arrows = np.array(
        [a for a, n in zip(trace.arrows.values(), lengths, strict=True) if np.isfinite(n)]
    )
    low, high = np.transpose([axis.domain for axis in axes])
    shorter = (high - low).min()
    room = np.where(arrows > 0, high - trace.theta, trace.theta - low)
    some = np.abs(arrows) > SHORTEST
    inside = np.where(some, 0.95 * room / np.where(some, np.abs(arrows), 1), np.inf).min()
    return float(max(min(LONGEST * shorter / longest, inside), 0.1 * shorter / longest))


def _text(trace: PlaneTrace) -> str:
    text = f"{trace.title}: contours over {trace.x_label} and {trace.y_label}, "
    text += f"theta at {fmt_point(*trace.theta)}."
    return text + "".join(f" {name}: {fmt_point(*tip)}." for name, tip in trace.arrows.items())
