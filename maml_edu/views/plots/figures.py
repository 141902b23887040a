"""Figures that show themselves in a notebook with a text alternative."""

import base64
import html
import io
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maml_edu.views.plots.gallery import height_to_width
from maml_edu.views.plots.marks import draw
from maml_edu.views.scenes import Scene, check_step, scene

CSS_DPI = 96  # a CSS inch
SHARP = 1.75  # image pixels per CSS pixel


class Picture(Figure):
    """A figure with a text alternative. It is not pyplot's, so nothing has to close it."""

    def __init__(self, alt: str = "", **figure: object) -> None:
        super().__init__(layout="constrained", facecolor="white", **figure)
        self.alt = alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return bundle(self, self.alt)


@dataclass(frozen=True)
class Shown:
    """What `show` returns: displayed by the notebook, or on request by IPython's `display`."""

    forms: dict[str, str]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return self.forms


def picture(trace: object, step: int | None = None) -> Figure:
    """The whole picture of any trace, or of a `Scene`, at `step` (default: the last).

    The main panel is at the left, others at its right: the player, for print.
    """
    whole = trace if isinstance(trace, Scene) else scene(trace)
    step = check_step(step, whole.frames)
    main, side = ([p for p in whole.panels if p.place == place] for place in ("main", "side"))
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


def show(figure: Figure | Axes, alt: str | None = None) -> Shown:
    """Display any figure (or an Axes' figure) as an image with the text alternative `alt`.

    Figures of this package have an `alt` of their own; for others, ValueError where it is empty. A
    figure of pyplot's is closed, so that the notebook does not show it a second time.
    """
    figure = figure.get_figure() if isinstance(figure, Axes) else figure
    alt = alt or getattr(figure, "alt", "")
    if not alt.strip():
        raise ValueError("alt is empty; say in a sentence what the figure shows")
    shown = Shown(bundle(figure, alt))
    if getattr(figure, "number", None) is not None:  # only figures of pyplot's have one
        import matplotlib.pyplot

        matplotlib.pyplot.close(figure)
    return shown


def png(figure: Figure) -> str:
    """The figure as PNG, base64."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=CSS_DPI * SHARP)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def bundle(figure: Figure, alt: str) -> dict[str, str]:
    """What a notebook shows of a figure: an image in HTML with its `alt`, a plain image, a text."""
    data = png(figure)
    width = round(figure.get_figwidth() * CSS_DPI)
    image = (
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" width="{width}" '
        'style="max-width: 100%; height: auto">'
    )
    return {"text/html": image, "image/png": data, "text/plain": alt}
