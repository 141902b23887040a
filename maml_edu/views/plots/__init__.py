"""Print pictures of traces, in matplotlib: `(trace, step, ax) -> Axes`. None computes.

Each draws a panel of the trace's scene, the same one that the player moves. Without `ax` a new
figure is made that shows itself in a notebook as an image with a text alternative::

    plots.losses(trace, step=5)          # an Axes: one panel
    plots.adaptation(trace, step=5)      # a Figure: function, losses and path together
    plots.show(figure, "What it shows")  # any other figure, with its text alternative
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maml_edu.views.plots.gallery import height_to_width
from maml_edu.views.plots.marks import draw
from maml_edu.views.plots.picture import Picture, ShownAxes, png, show
from maml_edu.views.scenes import (
    AdaptationTrace,
    ComparisonTrace,
    PlaneTrace,
    Scene,
    TrainingTrace,
    check_step,
    describe,
    scene,
)

__all__ = ["describe", "function", "losses", "path", "picture", "plane", "png", "show", "training"]


def function(
    trace: AdaptationTrace | ComparisonTrace, step: int | None = None, ax: Axes | None = None
) -> Axes:
    """The network's function after inner step `step` (default: the last) over the task's own."""
    return _one(trace, "function", step, ax)


def losses(
    trace: AdaptationTrace | ComparisonTrace, step: int | None = None, ax: Axes | None = None
) -> Axes:
    """Support and query loss against the inner step; solid up to `step` (default: the last)."""
    return _one(trace, "losses", step, ax)


def path(trace: AdaptationTrace, step: int | None = None, ax: Axes | None = None) -> Axes:
    """The way of the parameters, in the plane that holds most of it; solid up to `step`."""
    return _one(trace, "path", step, ax)


def plane(trace: PlaneTrace, ax: Axes | None = None, step: int | None = None) -> Axes:
    """A two-parameter objective: contours, gradients at theta (all scaled alike), paths."""
    return _one(trace, "plane", step, ax)


def training(trace: TrainingTrace, ax: Axes | None = None) -> Axes:
    """A meta-training run: meta-loss and checks with 95% intervals."""
    return _one(trace, "training", None, ax)


def picture(trace: object, step: int | None = None) -> Figure:
    """The whole picture of any trace, or of a `Scene`, at `step` (default: the last).

    The main panel is at the left, others at its right: the player, for print.
    """
    whole = trace if isinstance(trace, Scene) else scene(trace)
    step = check_step(step, whole.frames)
    main = [panel for panel in whole.panels if not panel.side]
    side = [panel for panel in whole.panels if panel.side]
    beside = side or any(panel.equal for panel in main)  # a panel, or the legend
    figure = Picture(whole.summary[step], figsize=(9.6 if beside else 6.4, 4.8))
    columns = [3, 2] if side else [1]
    halves = figure.subfigures(1, len(columns), width_ratios=columns, squeeze=False)[0]
    for part, panels in zip(halves, (main, side), strict=False):
        heights = [1.0 if p.x else height_to_width(p.marks[0]) + 0.08 for p in panels]
        rows = part.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, panel in zip(rows, panels, strict=True):
            draw(ax, panel, step)
    where = f"{whole.frame_label} {step} of {whole.frames - 1}"
    parts = [whole.title] * (len(whole.panels) > 1) + [where] * (whole.frames > 1)
    figure.suptitle(": ".join(parts), fontsize=11)
    return figure


adaptation = comparison = picture


def _one(trace: object, name: str, step: int | None, ax: Axes | None) -> Axes:
    whole = scene(trace)
    panels = {panel.id: panel for panel in whole.panels}
    if name not in panels:
        kind, allowed = type(trace).__name__, ", ".join(map(repr, panels))
        raise TypeError(f"trace is a {kind}, which has no panel {name!r}; it has {allowed}")
    panel, step = panels[name], check_step(step, whole.frames)
    if ax is None:
        wide = 8.4 if panel.equal else 6.4  # its legend stands beside it
        figure = Picture(panel.alt[step], figsize=(wide, 4.2))
        ax = figure.add_subplot(axes_class=ShownAxes)
    return draw(ax, panel, step)
