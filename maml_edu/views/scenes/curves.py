"""Curves over one axis: what was measured, and beside it, without dots, what is expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from maml_edu.views.scenes.axis import Axis, finite_range, padded
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Line, Mark, Points
from maml_edu.views.scenes.shared import fmt
from maml_edu.views.scenes.style import series

Curve = tuple[np.ndarray, np.ndarray]  # x and y, (points,) each; nan in y is a gap


@dataclass(frozen=True)
class CurvesTrace:
    """measured, expected: name -> its curve. What is measured has dots; what is expected is grey.

    x_range, y_range: the ends of the axes (default: what the curves span).
    log_x: whether x is drawn by its logarithm. whole_x: whether x is a count.
    """

    title: str
    x_label: str
    y_label: str
    measured: Mapping[str, Curve]
    expected: Mapping[str, Curve] = field(default_factory=dict)
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_x: bool = False
    whole_x: bool = False
    caption: str | None = None


@scene.register
def curves_scene(trace: CurvesTrace) -> Scene:
    """One panel, `curves`, in one frame."""
    curves = [*trace.measured.values(), *trace.expected.values()]
    xs = trace.x_range or finite_range(*(x for x, _ in curves))
    ys = trace.y_range or padded(*finite_range(*(y for _, y in curves)))
    log = trace.log_x and xs[0] > 0
    marks: list[Mark] = []
    text = f"{trace.title}: {trace.y_label}, over {trace.x_label}."
    for i, (name, (x, y)) in enumerate(trace.measured.items()):
        marks += [Line(series(i), name, x, y), Points(series(i), None, x, y)]
        text += f" {name}: {_ends(y)}."
    for i, (name, (x, y)) in enumerate(trace.expected.items()):
        marks.append(Line("theta", "expected" if i == 0 else None, x, y))
        text += f" Expected of {name}: {_ends(y)}."
    x_axis = Axis(trace.x_label, xs, "log" if log else "linear", trace.whole_x)
    axes = x_axis, Axis(trace.y_label, ys)
    panel = Panel("curves", trace.title, marks, [text], *axes, caption=trace.caption)
    return Scene(trace.title, [panel], [text], "picture")


def _ends(y: np.ndarray) -> str:
    if not len(y):
        return "nothing"
    return fmt(y[0]) if y[0] == y[-1] else f"from {fmt(y[0])} to {fmt(y[-1])}"
