"""Print pictures of traces, in matplotlib.

They are drawn from the same scene as the player::

    plots.picture(trace, step=5)           # a Figure of the whole scene
    plots.show(figure, "What it shows")    # any other figure, with its text alternative
"""

from matplotlib.figure import Figure

from maml_edu.views.plots.gallery import height_to_width
from maml_edu.views.plots.marks import draw
from maml_edu.views.plots.picture import Picture, png, show
from maml_edu.views.scenes import Scene, check_step, scene

__all__ = ["picture", "png", "show"]


def picture(trace: object, step: int | None = None) -> Figure:
    """The whole picture of any trace, or of a `Scene`, at `step` (default: the last).

    The main panel is at the left, others at its right: the player, for print.
    """
    whole = trace if isinstance(trace, Scene) else scene(trace)
    step = check_step(step, whole.frames)
    main = [panel for panel in whole.panels if panel.place == "main"]
    side = [panel for panel in whole.panels if panel.place == "side"]
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
