"""How each kind of mark of a scene (see `maml_edu.views.scenes`) is drawn in matplotlib."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FixedLocator, MaxNLocator

from maml_edu.views.plots.gallery import draw_gallery
from maml_edu.views.scenes.style import ROLES, Role

MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle": "^", "cross": "P", "star": "*"}


def draw(ax: Axes, panel: dict, step: int) -> Axes:
    """Draw one panel at frame `step` on `ax`: marks, axes, legend, and what it has to say."""
    if panel["x"] is None:
        return draw_gallery(ax, panel, step)
    for mark in panel["marks"]:
        now = {**mark, **mark["frames"][step]} if mark.get("frames") else mark
        DRAW[mark["kind"]](ax, now, ROLES[mark["role"]], step)
    for name, axis in (("x", panel["x"]), ("y", panel["y"])):
        ax.set(**{f"{name}scale": axis["scale"], f"{name}lim": axis["domain"]})
        ax.set(**{f"{name}label": axis["label"]})
        if axis["whole"]:
            few = axis["domain"][1] - axis["domain"][0] < 1  # step 0 is all there is
            ticks = FixedLocator([0]) if few else MaxNLocator("auto", integer=True)
            getattr(ax, f"{name}axis").set_major_locator(ticks)
    if panel["equal"]:
        ax.set_aspect("equal", adjustable="box", anchor="W")  # at the centre, labels get cut off
    ax.tick_params(labelsize=8.5)
    ax.xaxis.label.set_size(9)
    ax.yaxis.label.set_size(9)
    ax.spines[["top", "right"]].set_visible(False)
    if panel["notes"] and panel["notes"][step]:
        _say(ax, panel["notes"][step])
    rows = _legend(ax, beside=panel["equal"])
    # The title stands over the legend: both are clear of the picture, and of each other.
    ax.set_title(panel["title"], fontsize=10, loc="left", fontweight="bold", pad=6 + 13.5 * rows)
    if panel.get("caption"):
        ax.set_xlabel(f"{panel['x']['label']}\n{panel['caption']}")
    return ax


def _say(ax: Axes, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "#3b3b3b", "boxstyle": "round,pad=0.3"}
    ax.text(0.5, 0.95, text, transform=ax.transAxes, ha="center", va="top", fontsize=8.5, bbox=box,
            zorder=9)  # fmt: skip


def _legend(ax: Axes, beside: bool) -> int:
    """Put the legend beside the picture, or over it in as many rows as needed: how many."""
    handles, names = ax.get_legend_handles_labels()
    look = {"fontsize": 8, "frameon": False, "borderaxespad": 0.3, "borderpad": 0.1,
            "handlelength": 3, "handletextpad": 0.6, "columnspacing": 1.2}  # fmt: skip
    if not names:
        return 0
    if beside:  # a square picture has room at its right
        ax.legend(handles, names, loc="upper left", bbox_to_anchor=(1.02, 1.0), **look)
        return 0
    width = ax.get_window_extent().width / ax.figure.dpi * 72  # points
    each = 4.4 * max(len(name) for name in names) + 40  # of 8-point letters, and the line
    columns = min(len(names), max(1, int(width / each)))
    ax.legend(handles, names, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, **look)
    return math.ceil(len(names) / columns)


def _array(values: list) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _dash(role: Role) -> object:
    # matplotlib multiplies dashes by the line's width; the table's are absolute.
    return (0, [part / role.width for part in role.dash]) if role.dash else "solid"


def _line(ax: Axes, mark: dict, role: Role, step: int) -> None:
    ax.plot(_array(mark["x"]), _array(mark["y"]), color=role.colour, linestyle=_dash(role),
            linewidth=0.8 * role.width, label=mark["name"])  # fmt: skip


def _band(ax: Axes, mark: dict, role: Role, step: int) -> None:
    ax.fill_between(_array(mark["x"]), _array(mark["low"]), _array(mark["high"]),
                    color=role.colour, alpha=0.2, linewidth=0)  # fmt: skip


def _lines(ax: Axes, mark: dict, role: Role, step: int) -> None:
    ax.add_collection(LineCollection(mark["lines"], colors=role.colour, linewidths=role.width,
                                     label=mark["name"]), autolim=False)  # fmt: skip


def _marker(role: Role) -> dict:
    face = role.colour if role.filled else "white"
    return {"marker": MARKERS[role.marker], "markersize": 0.8 * role.size, "markerfacecolor": face,
            "markeredgecolor": "white" if role.filled else role.colour,
            "markeredgewidth": 0.7 if role.filled else 1.2}  # fmt: skip


def _points(ax: Axes, mark: dict, role: Role, step: int) -> None:
    ax.plot(_array(mark["x"]), _array(mark["y"]), color=role.colour, linestyle="none", zorder=4,
            label=mark["name"], **_marker(role))  # fmt: skip


def _trail(ax: Axes, mark: dict, role: Role, step: int) -> None:
    x, y = _array(mark["x"]), _array(mark["y"])
    ax.plot(x, y, color=role.colour, alpha=0.35, linewidth=0.8, marker=".", markersize=3)
    ax.plot(x[: step + 1], y[: step + 1], color=role.colour, linestyle=_dash(role),
            linewidth=0.8 * role.width)  # fmt: skip
    name = mark["name"]
    if name and mark["readout"]:
        name = f"{name} {mark['readout'][step]}"
    ax.plot(x[step : step + 1], y[step : step + 1], color=role.colour, linestyle=_dash(role),
            linewidth=0.8 * role.width, zorder=5, label=name, **_marker(role))  # fmt: skip


def _arrow(ax: Axes, mark: dict, role: Role, step: int) -> None:
    end = (mark["x"] + mark["dx"], mark["y"] + mark["dy"])
    head = f"-|>,head_width={0.25 + 0.05 * mark['width']}"
    look = {"color": role.colour, "linewidth": 0.8 * mark["width"], "shrinkA": 0, "shrinkB": 0,
            "arrowstyle": head, "mutation_scale": 10}  # fmt: skip
    ax.annotate("", end, (mark["x"], mark["y"]), arrowprops=look, zorder=3, annotation_clip=False)
    name = f"{mark['name']}, {mark['readout'][0]}"
    ax.plot([], [], color=role.colour, linewidth=0.8 * mark["width"], label=name)


DRAW = {"line": _line, "band": _band, "lines": _lines, "points": _points, "trail": _trail,
        "arrow": _arrow}  # fmt: skip
