"""A panel of small drawings with their captions and bars (see `scenes.marks.images`), for print."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import imread
from matplotlib.patches import Rectangle

from maml_edu.views.scenes.style import ROLES

PLAIN, BARS = (1.15, 1.45), (2.5, 1.4)  # a tile's width and height, in sides of its drawing


def tile_size(mark: dict) -> tuple[float, float]:
    """Width and height of a tile; a drawing is 1 by 1."""
    return BARS if _bars(mark) else PLAIN


def shape(mark: dict) -> tuple[int, int]:
    """Rows and columns of a mark's tiles."""
    columns = max(1, min(mark["columns"], len(mark["images"])))
    return math.ceil(len(mark["images"]) / columns), columns


def height_to_width(mark: dict) -> float:
    """How tall the whole grid is, if it is 1 wide."""
    (rows, columns), (wide, high) = shape(mark), tile_size(mark)
    return rows * high / (columns * wide)


def draw_gallery(ax: Axes, panel: dict, step: int) -> Axes:
    """Draw the one mark of a panel without axes at frame `step`."""
    mark = panel["marks"][0]
    now = {**mark, **mark["frames"][step]} if mark.get("frames") else mark
    (rows, columns), (wide, high) = shape(mark), tile_size(mark)
    for i in range(len(now["images"])):
        _tile(ax, now, i, i % columns * wide, -(i // columns) * high)
    ax.set(xlim=(-0.05, columns * wide), ylim=(-rows * high + 0.05, 0.05), aspect="equal")
    ax.set_anchor("NW")
    ax.set_axis_off()
    ax.set_title(panel["title"], fontsize=10, loc="left", fontweight="bold")
    if panel.get("caption"):
        ax.text(0, 0, panel["caption"], transform=ax.transAxes, va="top", fontsize=7, wrap=True)
    return ax


def _bars(mark: dict) -> bool:
    return bool(mark.get("frames")) and "bars" in mark["frames"][0]


def _tile(ax: Axes, now: dict, i: int, left: float, top: float) -> None:
    """One drawing, its paper and its words, and what stands beside it."""
    image = imread(io.BytesIO(base64.b64decode(now["images"][i])))
    ax.imshow(image, extent=(left, left + 1, top - 1, top), interpolation="antialiased")
    wrong = not now["right"][i] if "right" in now else False
    look = {"edgecolor": "#d55e00", "linestyle": (0, (4, 2)), "linewidth": 1.6}
    frame = look if wrong else {"edgecolor": "#c8c8c8", "linewidth": 0.7}
    ax.add_patch(Rectangle((left, top - 1), 1, 1, facecolor="none", **frame))
    if now["labels"]:
        colour = ROLES[now["classes"][now["labels"][i]]].colour
        ax.add_patch(Rectangle((left, top - 1.05), 1, 0.05, facecolor=colour))
    where = {"x": left, "ha": "left"} if "bars" in now else {"x": left + 0.5, "ha": "center"}
    ax.text(s=now["captions"][i], y=top - 1.08, va="top", fontsize=7, **where,
            fontweight="bold" if wrong else "normal")  # fmt: skip
    if "bars" in now:
        _bars_of(ax, now, i, left + 1.12, top)


def _bars_of(ax: Axes, now: dict, i: int, left: float, top: float) -> None:
    """One bar a class, 0 to 1, over the letters of the classes if there is room for them."""
    ways = len(now["names"])
    each, base = 1.2 / ways, top - (0.82 if ways <= 10 else 0.9)
    tall = top - base
    colours = [ROLES[role].colour for role in now["classes"]]
    x = left + (np.arange(ways) + 0.5) * each
    ax.bar(x, np.array(now["bars"][i]) * tall, 0.84 * each, base, color=colours[:ways])
    ax.plot([left, left + 1.2], [base, base], color="#5a5a5a", linewidth=0.7)
    ax.plot([left, left + 1.2], [top, top], color="#c8c8c8", linewidth=0.7, linestyle=":")
    own = now["labels"][i] if now["labels"] else None
    for k, name in enumerate(now["names"]):
        if ways <= 10:
            bold = {"fontweight": "bold"} if k == own else {"color": "#5a5a5a"}
            ax.text(x[k], base - 0.03, name, ha="center", va="top", fontsize=5.5, **bold)
        elif k == own:
            ax.plot(x[k], base - 0.06, marker="^", markersize=2.5, color="black")
