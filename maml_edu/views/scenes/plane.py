"""A two-parameter objective: contours, gradients at theta as arrows, paths."""

from dataclasses import dataclass, field

import numpy as np
from contourpy import contour_generator

from maml_edu.views.scenes.axis import Axis, finite_range, significant
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Arrow, Lines, Points, Trail
from maml_edu.views.scenes.shared import fmt, fmt_point, hold_last
from maml_edu.views.scenes.style import series

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
    x = Axis(trace.x_label, finite_range(trace.axis_x))
    y = Axis(trace.y_label, finite_range(trace.axis_y))
    arrows, caption = _arrows(trace, (x, y))
    frames = max([len(path) for path in trace.paths.values()], default=1)
    marks = [contours(trace, levels(trace.height), "equal height"), *arrows]
    for i, (name, path) in enumerate(trace.paths.items(), len(arrows)):
        marks.append(Trail(series(i), name, *hold_last(path, frames).T))
    marks.append(Points("theta", "theta", trace.theta[:1], trace.theta[1:]))
    for i, (name, at) in enumerate(trace.points.items(), len(arrows) + len(trace.paths)):
        marks.append(Points(series(i), name, at[:1], at[1:]))
    equal = 1 / 3 < x.span / y.span < 3  # then directions on the screen are true
    text = f"{trace.title}: contours over {x.label} and {y.label}, "
    text += f"theta at {fmt_point(*trace.theta)}."
    text += "".join(f" {name}: {fmt_point(*tip)}." for name, tip in trace.arrows.items())
    alt = [f"{text} Step {step} of {frames - 1}." if frames > 1 else text for step in range(frames)]
    panel = Panel("plane", trace.title, marks, alt, x, y, equal=equal, caption=caption)
    return Scene(trace.title, [panel], alt, "step")


def levels(height: np.ndarray) -> np.ndarray:
    """Heights for the contours: denser near the lowest point, where the reader looks."""
    low, high = finite_range(height)
    return low + (high - low) * (np.arange(1, LEVELS + 1) / (LEVELS + 1)) ** 2


def contours(trace: PlaneTrace, heights: np.ndarray, name: str) -> Lines:
    """The lines at `heights` of any trace with a `height` over `axis_x` and `axis_y`."""
    if min(trace.height.shape) < 2:
        return Lines("contour", name, [])
    masked = np.ma.masked_invalid(np.asarray(trace.height, dtype=float))
    lines = contour_generator(trace.axis_x, trace.axis_y, masked).lines
    return Lines("contour", name, [line for level in np.unique(heights) for line in lines(level)])


def _arrows(trace: PlaneTrace, axes: tuple[Axis, Axis]) -> tuple[list[Arrow], str | None]:
    """The arrows at one scale, and the sentence that states it."""
    if not trace.arrows:
        return [], None
    arrows, start = np.array(list(trace.arrows.values()), dtype=float), trace.theta
    with np.errstate(over="ignore"):
        lengths = np.hypot(*arrows.T)
    arrows[~np.isfinite(lengths)] = 0
    if np.isfinite(start).all():
        scale = _arrow_scale(arrows, start, axes)
    else:
        scale, start = 0.0, [sum(axis.domain) / 2 for axis in axes]
    start = [float(axis.place(at)) for axis, at in zip(axes, start, strict=True)]
    drawn = []
    for i, (name, tip, length) in enumerate(
        zip(trace.arrows, scale * arrows, lengths, strict=True)
    ):
        # Earlier arrows are wider, so that one which lies on another does not hide it.
        width, readout = 2 * (len(arrows) - i), [f"length {fmt(length)}"]
        drawn.append(Arrow(series(i), name, *start, *map(significant, tip), width, readout))
    return drawn, f"All arrows are drawn at one scale: {fmt(scale)} times their length."


def _arrow_scale(arrows: np.ndarray, start: np.ndarray, axes: tuple[Axis, Axis]) -> float:
    """One factor for all: the longest takes 30% of the shorter side, less where it would leave."""
    longest = np.hypot(*arrows.T).max()
    if longest < SHORTEST:
        return 1.0
    low, high = np.transpose([axis.domain for axis in axes])
    shorter = (high - low).min()
    room = 0.95 * np.where(arrows > 0, high - start, start - low)
    some = np.abs(arrows) > SHORTEST
    inside = (room[some] / np.abs(arrows[some])).min()
    return float(max(min(LONGEST * shorter / longest, inside), 0.1 * shorter / longest))
