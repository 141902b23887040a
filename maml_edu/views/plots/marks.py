"""How each kind of mark of a scene (see `maml_edu.views.scenes.marks`) is drawn in matplotlib."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FixedLocator, MaxNLocator

from maml_edu.views.plots.gallery import draw_gallery
from maml_edu.views.scenes import Panel
from maml_edu.views.scenes.marks import Arrow, Band, Line, Lines, Points, Trail
from maml_edu.views.scenes.style import ROLES, Role

MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle": "^", "cross": "P", "star": "*"}
THIN = 0.8  # the width of a line in print, times that on the screen
BOX = {"facecolor": "white", "edgecolor": "#3b3b3b", "boxstyle": "round,pad=0.3"}
LEGEND = {"fontsize": 8, "frameon": False, "borderaxespad": 0.3, "borderpad": 0.1}
LEGEND |= {"handlelength": 3, "handletextpad": 0.6, "columnspacing": 1.2}


def draw(ax: Axes, panel: Panel, step: int) -> Axes:
    """Draw one panel at frame `step` on `ax`: marks, axes, legend, and what it has to say."""
    if panel.x is None:
        return draw_gallery(ax, panel, step)
    for mark in panel.marks:
        DRAW[type(mark)](ax, panel, mark, step)
    for name, axis in (("x", panel.x), ("y", panel.y)):
        ax.set(**{f"{name}scale": axis.scale, f"{name}lim": axis.domain})
        if axis.whole:
            few = axis.span < 1  # step 0 is all there is
            ticks = FixedLocator([0]) if few else MaxNLocator("auto", integer=True)
            getattr(ax, f"{name}axis").set_major_locator(ticks)
    if panel.equal:
        ax.set_aspect("equal", adjustable="box", anchor="W")  # at the centre, labels get cut off
    ax.tick_params(labelsize=8.5)
    below = [panel.x.label, panel.caption] if panel.caption else [panel.x.label]
    ax.set_xlabel("\n".join(below), size=9)
    ax.set_ylabel(panel.y.label, size=9)
    ax.spines[["top", "right"]].set_visible(False)
    if panel.notes and (note := panel.notes[step]):
        place = {"transform": ax.transAxes, "ha": "center", "va": "top", "zorder": 9}
        ax.text(0.5, 0.95, note, fontsize=8.5, bbox=BOX, **place)
    rows = _legend(ax, beside=panel.equal)
    # The title stands over the legend: both are clear of the picture, and of each other.
    ax.set_title(panel.title, fontsize=10, loc="left", fontweight="bold", pad=6 + 13.5 * rows)
    return ax


def _legend(ax: Axes, beside: bool) -> int:
    """Put the legend beside the picture, or over it in as many rows as needed: how many."""
    handles, names = ax.get_legend_handles_labels()
    if not names:
        return 0
    if beside:  # a square picture has room at its right
        ax.legend(handles, names, loc="upper left", bbox_to_anchor=(1.02, 1.0), **LEGEND)
        return 0
    width = ax.get_window_extent().width / ax.figure.dpi * 72  # points
    each = 4.4 * max(len(name) for name in names) + 40  # of 8-point letters, and the line
    columns = min(len(names), max(1, int(width / each)))
    ax.legend(handles, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, **LEGEND)
    return math.ceil(len(names) / columns)


def _at(values: np.ndarray, step: int) -> np.ndarray:
    """The values of one frame, where there are several."""
    return values[step] if np.ndim(values) == 2 else values


def _stroke(role: Role) -> dict:
    # matplotlib multiplies dashes by the line's width; the table's are absolute.
    dash = (0, [part / role.width for part in role.dash]) if role.dash else "solid"
    return {"color": role.colour, "linestyle": dash, "linewidth": THIN * role.width}


def _marker(role: Role) -> dict:
    face, edge = (role.colour, "white") if role.filled else ("white", role.colour)
    look = {"marker": MARKERS[role.marker], "markersize": 0.8 * role.size}
    look |= {"markerfacecolor": face, "markeredgecolor": edge}
    return look | {"markeredgewidth": 0.7 if role.filled else 1.2}


def _line(ax: Axes, panel: Panel, mark: Line, step: int) -> None:
    x, y = panel.x.place(mark.x), panel.y.place(_at(mark.y, step))
    ax.plot(x, y, label=mark.name, **_stroke(ROLES[mark.role]))


def _band(ax: Axes, panel: Panel, mark: Band, step: int) -> None:
    low, high = panel.y.place(mark.low), panel.y.place(mark.high)
    colour = ROLES[mark.role].colour
    ax.fill_between(panel.x.place(mark.x), low, high, color=colour, alpha=0.2, linewidth=0)


def _lines(ax: Axes, panel: Panel, mark: Lines, step: int) -> None:
    places = [np.stack([panel.x.place(a[:, 0]), panel.y.place(a[:, 1])], 1) for a in mark.lines]
    look = {"colors": ROLES[mark.role].colour, "linewidths": ROLES[mark.role].width}
    ax.add_collection(LineCollection(places, label=mark.name, **look), autolim=False)


def _points(ax: Axes, panel: Panel, mark: Points, step: int) -> None:
    x, y = panel.x.place(_at(mark.x, step)), panel.y.place(_at(mark.y, step))
    look = _stroke(ROLES[mark.role]) | _marker(ROLES[mark.role]) | {"linestyle": "none"}
    ax.plot(x, y, zorder=4, label=mark.name, **look)


def _trail(ax: Axes, panel: Panel, mark: Trail, step: int) -> None:
    x, y, role = panel.x.place(mark.x), panel.y.place(mark.y), ROLES[mark.role]
    ax.plot(x, y, color=role.colour, alpha=0.35, linewidth=0.8, marker=".", markersize=3)
    ax.plot(x[: step + 1], y[: step + 1], **_stroke(role))
    name = f"{mark.name} {mark.readout[step]}" if mark.name and mark.readout else mark.name
    here = slice(step, step + 1)
    ax.plot(x[here], y[here], zorder=5, label=name, **_stroke(role), **_marker(role))


def _arrow(ax: Axes, panel: Panel, mark: Arrow, step: int) -> None:
    head = f"-|>,head_width={0.25 + 0.05 * mark.width}"
    look = {"color": ROLES[mark.role].colour, "linewidth": THIN * mark.width}
    ends = {"shrinkA": 0, "shrinkB": 0, "arrowstyle": head, "mutation_scale": 10}
    start, end = (mark.x, mark.y), (mark.x + mark.dx, mark.y + mark.dy)
    ax.annotate("", end, start, arrowprops=look | ends, zorder=3, annotation_clip=False)
    ax.plot([], [], label=f"{mark.name}, {mark.readout[0]}", **look)


DRAW = {Line: _line, Band: _band, Lines: _lines, Points: _points, Trail: _trail, Arrow: _arrow}
