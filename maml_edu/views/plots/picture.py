"""Figures that show themselves in a notebook with a text alternative."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

CSS_DPI = 96  # a CSS inch
SHARP = 1.75  # image pixels per CSS pixel


class Picture(Figure):
    """A figure outside pyplot (so that nothing piles up) that knows its text alternative."""

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


def show(figure: Figure | Axes, alt: str | None = None) -> Shown:
    """Display any figure (or an Axes' figure) as an image with the text alternative `alt`.

    A figure of pyplot's is closed, so that the notebook does not show it a second time. `alt` may
    be left out for figures that this package made; else a ValueError.
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
    canvas = FigureCanvasAgg(figure)
    canvas.figure.savefig(buffer, format="png", dpi=CSS_DPI * SHARP)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def bundle(figure: Figure, alt: str) -> dict[str, str]:
    """Its forms for a notebook: HTML with the alternative first, a plain image, and the text."""
    data = png(figure)
    width = round(figure.get_figwidth() * CSS_DPI)
    image = (
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" width="{width}" '
        'style="max-width: 100%; height: auto">'
    )
    return {"text/html": image, "image/png": data, "text/plain": alt}
