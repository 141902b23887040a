"""A two-parameter objective: contours, gradients at theta as arrows, paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from contourpy import contour_generator

from maml_edu.views.scenes.axis import Axis, finite_range, significant
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.divergence import hold_last
from maml_edu.views.scenes.marks import Arrow, Lines, Points, Trail
from maml_edu.views.scenes.style import series
from maml_edu.views.scenes.words import fmt, fmt_point

if TYPE_CHECKING:
    from maml_edu.views.scenes.landscape import LandscapeTrace

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
    marks = [contours(trace, levels(trace.height), "equal height"), *arrows]
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


def contours(surface: PlaneTrace | LandscapeTrace, heights: np.ndarray, name: str) -> Lines:
    """The lines at `heights` of a trace's surface, `height` over `axis_x` and `axis_y`."""
    lines: list[np.ndarray] = []
    if min(surface.height.shape) > 1:
        masked = np.ma.masked_invalid(np.asarray(surface.height, dtype=float))
        generator = contour_generator(surface.axis_x, surface.axis_y, masked)
        lines = [line for level in np.unique(heights) for line in generator.lines(level)]
    return Lines("contour", name, lines)


def _arrows(trace: PlaneTrace, axes: tuple[Axis, Axis]) -> tuple[list[Arrow], str | None]:
    """The arrows at one scale, and the sentence that states it."""
    if not trace.arrows:
        return [], None
    arrows, start = np.array(list(trace.arrows.values()), dtype=float), trace.theta
    with np.errstate(over="ignore"):
        lengths = np.hypot(*arrows.T)
    if np.isfinite(start).all():
        scale = _arrow_scale(arrows[np.isfinite(lengths)], lengths, start, axes)
    else:
        scale, start = 0.0, [sum(axis.domain) / 2 for axis in axes]
    start = [float(axis.place(at)) for axis, at in zip(axes, start, strict=True)]
    tips = scale * np.where(np.isfinite(lengths)[:, None], arrows, 0)
    drawn = []
    for i, (name, tip, length) in enumerate(zip(trace.arrows, tips, lengths, strict=True)):
        # Earlier arrows are wider, so that one which lies on another does not hide it.
        width, readout = 2 + 2 * (len(arrows) - 1 - i), [f"length {fmt(length)}"]
        drawn.append(Arrow(series(i), name, *start, *map(significant, tip), width, readout))
    return drawn, f"All arrows are drawn at one scale: {fmt(scale)} times their length."


def _arrow_scale(
    arrows: np.ndarray, lengths: np.ndarray, start: np.ndarray, axes: tuple[Axis, Axis]
) -> float:
    """One factor for all: the longest takes 30% of the shorter side, less where it would leave."""
    longest = lengths[np.isfinite(lengths)].max(initial=0.0)
    if longest < SHORTEST:
        return 1.0
    low, high = np.transpose([axis.domain for axis in axes])
    shorter = (high - low).min()
    room = np.where(arrows > 0, high - start, start - low)
    some = np.abs(arrows) > SHORTEST
    inside = np.where(some, 0.95 * room / np.where(some, np.abs(arrows), 1), np.inf).min()
    return float(max(min(LONGEST * shorter / longest, inside), 0.1 * shorter / longest))


def _text(trace: PlaneTrace) -> str:
    text = f"{trace.title}: contours over {trace.x_label} and {trace.y_label}, "
    text += f"theta at {fmt_point(*trace.theta)}."
    return text + "".join(f" {name}: {fmt_point(*tip)}." for name, tip in trace.arrows.items())
