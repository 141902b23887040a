"""A panel of small drawings with captions and bars (see `scenes.marks.Images`), for print."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from maml_edu.views.scenes import Panel
from maml_edu.views.scenes.marks import Images
from maml_edu.views.scenes.style import ROLES

PLAIN, BARS = (1.15, 1.45), (2.5, 1.4)  # a tile's width and height, in sides of its drawing
GREY, LIGHT, WRONG = "#5a5a5a", "#c8c8c8", "#d55e00"


def _layout(mark: Images) -> tuple[int, int, float, float]:
    """Rows and columns of the tiles, and a tile's width and height, where a drawing is 1 by 1."""
    columns = max(1, min(mark.columns, len(mark.images)))
    rows = max(1, math.ceil(len(mark.images) / columns))
    return rows, columns, *(PLAIN if mark.bars is None else BARS)


def height_to_width(mark: Images) -> float:
    """How tall the whole grid is, if it is 1 wide."""
    rows, columns, wide, high = _layout(mark)
    return rows * high / (columns * wide)


def draw_gallery(ax: Axes, panel: Panel, step: int) -> Axes:
    """Draw the one mark of a panel without axes at frame `step`."""
    mark = panel.marks[0]
    rows, columns, wide, high = _layout(mark)
    for i in range(len(mark.images)):
        _tile(ax, mark, step, i, (i % columns * wide, -(i // columns) * high))
    ax.set(xlim=(-0.05, columns * wide), ylim=(-rows * high + 0.05, 0.05), aspect="equal")
    ax.set_anchor("NW")
    ax.set_axis_off()
    ax.set_title(panel.title, fontsize=10, loc="left", fontweight="bold")
    if panel.caption:
        ax.text(0, 0, panel.caption, transform=ax.transAxes, va="top", fontsize=7, wrap=True)
    return ax


def _tile(ax: Axes, mark: Images, step: int, i: int, corner: tuple[float, float]) -> None:
    """One drawing with its border and caption, and its bars if there are any."""
    left, top = corner
    image = np.clip(np.nan_to_num(np.asarray(mark.images[i], dtype=float)), 0, 1)
    box = (left, left + 1, top - 1, top)
    ax.imshow(image, "gray_r", vmin=0, vmax=1, extent=box, interpolation="antialiased")
    wrong = mark.right is not None and not mark.right[step][i]
    look = {"edgecolor": LIGHT, "linewidth": 0.7}
    if wrong:
        look = {"edgecolor": WRONG, "linestyle": (0, (4, 2)), "linewidth": 1.6}
    ax.add_patch(Rectangle((left, top - 1), 1, 1, facecolor="none", **look))
    if mark.labels is not None:
        colour = ROLES[mark.classes[mark.labels[i]]].colour
        ax.add_patch(Rectangle((left, top - 1.05), 1, 0.05, facecolor=colour))
    still = mark.bars is None
    x, align = (left + 0.5, "center") if still else (left, "left")
    words, weight = mark.captions[0 if still else step][i], "bold" if wrong else "normal"
    ax.text(x, top - 1.08, words, ha=align, va="top", fontsize=7, fontweight=weight)
    if not still:
        own = None if mark.labels is None else mark.labels[i]
        _bars(ax, mark, mark.bars[step][i], own, (left + 1.12, top))


def _bars(
    ax: Axes, mark: Images, values: np.ndarray, own: int | None, corner: tuple[float, float]
) -> None:
    """One bar a class, 0 to 1, over the letters of the classes if there is room for them."""
    left, top = corner
    ways = len(mark.names)
    each, base = 1.2 / ways, top - (0.82 if ways <= 10 else 0.9)
    colours = [ROLES[role].colour for role in mark.classes]
    x = left + (np.arange(ways) + 0.5) * each
    ax.bar(x, values * (top - base), 0.84 * each, base, color=colours[:ways])
    ax.plot([left, left + 1.2], [base, base], color=GREY, linewidth=0.7)
    ax.plot([left, left + 1.2], [top, top], color=LIGHT, linewidth=0.7, linestyle=":")
    for k, name in enumerate(mark.names):
        if ways <= 10:
            bold = {"fontweight": "bold"} if k == own else {"color": GREY}
            ax.text(x[k], base - 0.03, name, ha="center", va="top", fontsize=5.5, **bold)
        elif k == own:
            ax.plot(x[k], base - 0.06, marker="^", markersize=2.5, color="black")
