"""The scene of a two-parameter objective: contours, gradients at theta as arrows, paths."""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.records import LandscapeTrace, PlaneTrace
from maml_edu.views.scenes.style import series

LEVELS = 12
LONGEST = 0.3  # the longest arrow, as a share of the plane's shorter side


@scene.register
def plane(record: PlaneTrace) -> dict:
    """One panel, `plane`; the frames are the steps of its paths, one frame when it has none.

    All arrows are scaled by one factor, which the caption states, so their lengths compare.
    """
    on = (
        axes.axis(record.x_label, axes.finite_range(record.axis_x)),
        axes.axis(record.y_label, axes.finite_range(record.axis_y)),
    )
    spans = [axis["domain"][1] - axis["domain"][0] for axis in on]
    frames = max([len(path) for path in record.paths.values()], default=1)
    arrows, note = _arrows(record, on)
    start = marks.points("theta", "theta", record.theta[:1], record.theta[1:], on)
    surface = contours(record, on, levels(record.height))
    drawn = [surface, *arrows, *_paths(record, on, frames), start]
    for i, (name, at) in enumerate(record.points.items(), len(arrows) + len(record.paths)):
        drawn.append(marks.points(series(i), name, at[:1], at[1:], on))
    equal = 1 / 3 < spans[0] / spans[1] < 3  # then directions on the screen are true
    text = _text(record)
    alt = [
        text if frames == 1 else f"{text} Step {step} of {frames - 1}." for step in range(frames)
    ]
    panel = marks.panel("plane", record.title, *on, drawn, alt, equal=equal)
    panel["caption"] = note
    return finish(record.title, [panel], alt, "step")


def levels(height: np.ndarray) -> np.ndarray:
    """Heights for the contours: denser near the lowest point, where the reader looks."""
    low, high = axes.finite_range(height)
    return low + (high - low) * (np.arange(1, LEVELS + 1) / (LEVELS + 1)) ** 2


def contours(
    record: PlaneTrace | LandscapeTrace, on: tuple[dict, dict], heights: np.ndarray
) -> dict:
    """The lines of the record's surface at these heights."""
    masked = np.ma.masked_invalid(np.asarray(record.height, dtype=float))
    generator = contour_generator(record.axis_x, record.axis_y, masked)
    lines = [
        list(zip(*(axes.numbers(part[:, i], on[i]) for i in (0, 1)), strict=True))
        for level in np.unique(heights)
        for part in generator.lines(level)
    ]
    return {"kind": "lines", "role": "contour", "name": "equal height", "lines": lines}


def _arrows(record: PlaneTrace, on: tuple[dict, dict]) -> tuple[list[dict], str | None]:
    """The arrows at one scale, and the sentence that states it."""
    if not record.arrows:
        return [], None
    scale = _arrow_scale(record, on)
    drawn = []
    for i, (name, arrow) in enumerate(record.arrows.items()):
        length = float(np.hypot(*arrow))
        tip = scale * arrow if np.isfinite(length) else np.zeros(2)
        start = {"x": axes.short(record.theta[0]), "y": axes.short(record.theta[1])}
        end = {"dx": axes.short(tip[0]), "dy": axes.short(tip[1])}
        # Earlier arrows are wider, so that one which lies on another does not hide it.
        look = {"width": 2 + 2 * (len(record.arrows) - 1 - i)}
        look["readout"] = [f"length {marks.said(length)}"]
        drawn.append({"kind": "arrow", "role": series(i), "name": name, **start, **end, **look})
    return drawn, f"All arrows are drawn at one scale: {marks.said(scale)} times their length."


def _arrow_scale(record: PlaneTrace, on: tuple[dict, dict]) -> float:
    """One factor for all: the longest takes 30% of the shorter side, less where it would leave."""
    arrows = np.array([a for a in record.arrows.values() if np.isfinite(a).all()]).reshape(-1, 2)
    longest = np.hypot(*arrows.T).max(initial=0.0)
    if longest == 0:
        return 1.0
    low, high = np.array([axis["domain"] for axis in on], dtype=float).T
    shorter = (high - low).min()
    room = np.where(arrows > 0, high - record.theta, record.theta - low)
    inside = np.where(arrows != 0, 0.95 * room / np.where(arrows, np.abs(arrows), 1), np.inf).min()
    return float(max(min(LONGEST * shorter / longest, inside), 0.1 * shorter / longest))


def _paths(record: PlaneTrace, on: tuple[dict, dict], frames: int) -> list[dict]:
    drawn = []
    for i, (name, path) in enumerate(record.paths.items(), len(record.arrows)):
        x, y = marks.held(np.asarray(path, dtype=float), frames).T
        drawn.append(marks.trail(series(i), name, x, y, on))
    return drawn


def _text(record: PlaneTrace) -> str:
    said = marks.said
    text = f"{record.title}: contours over {record.x_label} and {record.y_label}, "
    text += f"theta at ({said(record.theta[0])}, {said(record.theta[1])})."
    for name, (x, y) in record.arrows.items():
        text += f" {name}: ({said(x)}, {said(y)})."
    return text
