"""Print pictures of the records, in matplotlib: `(trace, step, ax) -> Axes`. None computes.

Each draws a panel of the record's scene, the same one that the player moves. Without `ax` a new
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
from maml_edu.views.scenes import check_step, describe, scene
from maml_edu.views.scenes.records import (
    AdaptationTrace,
    ComparisonTrace,
    PlaneTrace,
    TrainingTrace,
)

__all__ = ["adaptation", "comparison", "describe", "function", "losses", "path", "picture",
           "plane", "png", "show", "training"]  # fmt: skip


def function(
    trace: AdaptationTrace | ComparisonTrace, step: int | None = None, ax: Axes | None = None
) -> Axes:
    """The network's function after inner step `step` (None: the last) over the task's own."""
    return _one(trace, "function", step, ax)


def losses(
    trace: AdaptationTrace | ComparisonTrace, step: int | None = None, ax: Axes | None = None
) -> Axes:
    """Support and query loss against the inner step; solid up to `step`."""
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


def adaptation(trace: AdaptationTrace, step: int | None = None) -> Figure:
    """Function, losses and path together at one inner step: the player, for print."""
    return picture(trace, step)


def comparison(trace: ComparisonTrace, step: int | None = None) -> Figure:
    """Several learners on one task at one inner step: their functions and query losses."""
    return picture(trace, step)


def picture(record: object, step: int | None = None) -> Figure:
    """The whole scene of any record at `step` (None: the last); main panel left, others right."""
    return from_scene(scene(record), step)


def from_scene(drawn: dict, step: int | None = None) -> Figure:
    """The figure of a scene (see `maml_edu.views.scenes`) at one frame."""
    step = check_step(step, drawn["frames"])
    side = [panel for panel in drawn["panels"] if panel["place"] == "side"]
    main = [panel for panel in drawn["panels"] if panel["place"] == "main"]
    beside = side or any(panel["equal"] for panel in main)  # a panel, or the legend
    figure = Picture(drawn["summary"][step], figsize=(9.6 if beside else 6.4, 4.8))
    columns = [3, 2] if side else [1]
    halves = figure.subfigures(1, len(columns), width_ratios=columns, squeeze=False)[0]
    for part, panels in zip(halves, (main, side), strict=False):
        heights = [1.0 if p["x"] else height_to_width(p["marks"][0]) + 0.08 for p in panels]
        rows = part.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for ax, panel in zip(rows, panels, strict=True):
            draw(ax, panel, step)
    where = f"{drawn['frame_label']} {step} of {drawn['frames'] - 1}"
    parts = [drawn["title"]] * (len(drawn["panels"]) > 1) + [where] * (drawn["frames"] > 1)
    figure.suptitle(": ".join(parts), fontsize=11)
    return figure


def _one(record: object, name: str, step: int | None, ax: Axes | None) -> Axes:
    whole = scene(record)
    panels = {panel["id"]: panel for panel in whole["panels"]}
    if name not in panels:
        raise TypeError(
            f"record is a {type(record).__name__}, which has no panel {name!r}; "
            f"it has {', '.join(map(repr, panels))}"
        )
    step = check_step(step, whole["frames"])
    if ax is None:
        wide = 8.4 if panels[name]["equal"] else 6.4  # its legend stands beside it
        figure = Picture(panels[name]["alt"][step], figsize=(wide, 4.2))
        ax = figure.add_subplot(axes_class=ShownAxes)
    return draw(ax, panels[name], step)
