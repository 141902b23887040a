"""Figures that show themselves in a notebook with a text alternative."""

import base64
import html
import io
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
