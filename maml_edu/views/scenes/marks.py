"""The marks that a panel may hold: one class a kind.

A new kind is a class here and a function each in `plots/marks.py` and `widgets/js/src/marks.js`.
Arrays hold the values as computed, with nan for gaps; the axes round them for drawing. An array of
x or y with a first dimension more than stated holds one entry a frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from maml_edu.views.scenes.axis import Axis, significant
from maml_edu.views.scenes.ink import ink
from maml_edu.views.scenes.style import series


@dataclass(frozen=True, eq=False)
class Mark:
    """role: its look, see `style`. name: its entry in the legend; None: it has none."""

    kind: ClassVar[str]
    role: str
    name: str | None

    @property
    def roles(self) -> set[str]:
        """All roles that it is drawn with."""
        return {self.role}

    def as_json(self, x: Axis | None, y: Axis | None) -> dict:
        """The mark on these axes, for the player."""
        on_axes = {"x": x, "y": y, "low": y, "high": y}
        data, moving = {"kind": self.kind}, {}
        for key, value in vars(self).items():
            if key not in on_axes or np.ndim(value) == 0:
                data[key] = value
            elif np.ndim(value) == 1:
                data[key] = on_axes[key].numbers(value)
            else:
                moving[key] = [on_axes[key].numbers(row) for row in value]
        if not moving:
            return data
        frames = [
            dict(zip(moving, rows, strict=True)) for rows in zip(*moving.values(), strict=True)
        ]
        return data | frames[0] | {"frames": frames}


@dataclass(frozen=True, eq=False)
class Line(Mark):
    """A line through y (points,) over x (points,)."""

    kind = "line"
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Band(Mark):
    """The strip between low and high (points,), an interval around a line of the same role."""

    kind = "band"
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class Points(Mark):
    """Markers at x and y (points,)."""

    kind = "points"
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Trail(Mark):
    """One position a frame, x and y (frames,). Its path is solid up to the frame, and faint beyond.

    readout: a text a frame, shown beside the name in the legend.
    """

    kind = "trail"
    x: np.ndarray
    y: np.ndarray
    readout: Sequence[str] | None = None


@dataclass(frozen=True, eq=False)
class Lines(Mark):
    """Many thin lines, each (points, 2): contours."""

    kind = "lines"
    lines: Sequence[np.ndarray]

    def as_json(self, x: Axis, y: Axis) -> dict:
        lines = [
            list(zip(x.numbers(line[:, 0]), y.numbers(line[:, 1]), strict=True))
            for line in self.lines
        ]
        return super().as_json(x, y) | {"lines": lines}


@dataclass(frozen=True, eq=False)
class Arrow(Mark):
    """From (x, y) to (x + dx, y + dy), in the units of the axes; width in points."""

    kind = "arrow"
    x: float
    y: float
    dx: float
    dy: float
    width: float
    readout: Sequence[str]


@dataclass(frozen=True, eq=False)
class Images(Mark):
    """A grid of small drawings, alone in a panel without axes.

    images: (n, height, width), 1 for ink and 0 for paper. captions: n texts a frame.
    labels: (n,) gives each drawing the colour of its class. columns: at most; default: 10.
    bars: (frames, n, classes) from 0 to 1, drawn beside each drawing; 0 where not finite.
    names: of the bars. right: (frames, n) bool; drawings that are not right get a dashed border.
    large: larger drawings.
    """

    kind = "images"
    images: np.ndarray
    captions: Sequence[Sequence[str]]
    labels: Sequence[int] | None = None
    columns: int = 10
    bars: np.ndarray | None = None
    right: np.ndarray | None = None
    names: Sequence[str] = ()
    large: bool = False

    def __post_init__(self) -> None:
        if np.ndim(self.images) != 3:
            raise ValueError(f"images is {np.shape(self.images)}; it must be (n, height, width)")
        for row in self.captions:
            if len(row) != len(self.images):
                n = len(self.images)
                raise ValueError(f"captions has {len(row)} entries; it must have {n}, one an image")
        if self.bars is not None:
            bars = np.where(np.isfinite(self.bars), np.clip(self.bars, 0, 1), 0.0)
            object.__setattr__(self, "bars", bars)

    @property
    def classes(self) -> list[str]:
        """The role of each class."""
        labels = [] if self.labels is None else self.labels
        return [series(i) for i in range(max(len(self.names), *(int(k) + 1 for k in labels), 0))]

    @property
    def roles(self) -> set[str]:
        return {self.role, *self.classes}

    def as_json(self, x: None, y: None) -> dict:
        still = {
            "captions": self.captions[0],
            "images": [ink(one) for one in self.images],
            "labels": None if self.labels is None else [int(label) for label in self.labels],
            "classes": self.classes,
        }
        data = {"kind": self.kind, **vars(self), **still}
        del data["bars"], data["right"]
        return data if self.bars is None else data | {"frames": self._frames()}

    def _frames(self) -> list[dict]:
        bars = [[[significant(p, 3) for p in row] for row in rows] for rows in self.bars]
        moving = {"bars": bars, "captions": self.captions}
        if self.right is not None:
            moving["right"] = self.right.tolist()
        return [dict(zip(moving, now, strict=True)) for now in zip(*moving.values(), strict=True)]
