"""The marks that a panel may hold: one class a kind.

A new kind is a class here and a function each in `plots/marks.py` and `widgets/js/src/marks.js`.
Data are arrays as computed; the axes round them for drawing. nan is a gap. Where there is one more
dimension than said, its entries are the frames.
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
        return {"kind": self.kind, "role": self.role, "name": self.name, **self._data(x, y)}

    def _data(self, x: Axis | None, y: Axis | None) -> dict:
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Line(Mark):
    """A line through y (points,) over x (points,)."""

    kind = "line"
    x: np.ndarray
    y: np.ndarray

    def _data(self, x: Axis, y: Axis) -> dict:
        if self.y.ndim == 1:
            return {"x": x.numbers(self.x), "y": y.numbers(self.y)}
        frames = [{"y": y.numbers(row)} for row in self.y]
        return {"x": x.numbers(self.x), "y": [], "frames": frames}


@dataclass(frozen=True, eq=False)
class Band(Mark):
    """The strip between low and high (points,), an interval around a line of the same role."""

    kind = "band"
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def _data(self, x: Axis, y: Axis) -> dict:
        ends = {"low": y.numbers(self.low), "high": y.numbers(self.high)}
        return {"x": x.numbers(self.x), **ends}


@dataclass(frozen=True, eq=False)
class Lines(Mark):
    """Many thin lines, each (points, 2): contours."""

    kind = "lines"
    lines: Sequence[np.ndarray]

    def _data(self, x: Axis, y: Axis) -> dict:
        return {
            "lines": [
                list(zip(x.numbers(line[:, 0]), y.numbers(line[:, 1]), strict=True))
                for line in self.lines
            ]
        }


@dataclass(frozen=True, eq=False)
class Points(Mark):
    """Markers at x and y (points,)."""

    kind = "points"
    x: np.ndarray
    y: np.ndarray

    def _data(self, x: Axis, y: Axis) -> dict:
        if self.x.ndim == 1:
            return {"x": x.numbers(self.x), "y": y.numbers(self.y)}
        frames = [
            {"x": x.numbers(at), "y": y.numbers(height)}
            for at, height in zip(self.x, self.y, strict=True)
        ]
        return {**frames[0], "frames": frames}


@dataclass(frozen=True, eq=False)
class Trail(Mark):
    """One position a frame, x and y (frames,): the way so far is solid, the rest faint.

    readout: a text a frame, shown beside the name in the legend.
    """

    kind = "trail"
    x: np.ndarray
    y: np.ndarray
    readout: Sequence[str] | None = None

    def _data(self, x: Axis, y: Axis) -> dict:
        return {"x": x.numbers(self.x), "y": y.numbers(self.y), "readout": self.readout}


@dataclass(frozen=True, eq=False)
class Arrow(Mark):
    """From `start` (2,) to `start + tip`, both in the units of the axes; width in points."""

    kind = "arrow"
    start: np.ndarray
    tip: np.ndarray
    width: float
    readout: Sequence[str]

    def _data(self, x: Axis, y: Axis) -> dict:
        names = ("x", "y", "dx", "dy")
        ends = dict(zip(names, map(significant, (*self.start, *self.tip)), strict=True))
        return {**ends, "width": self.width, "readout": self.readout}


@dataclass(frozen=True, eq=False)
class Images(Mark):
    """A grid of small drawings, alone in a panel without axes.

    images: (n, height, width), 1 for ink and 0 for paper. captions: n texts a frame.
    labels: (n,) gives each drawing the colour of its class. columns: at most; default: 10.
    bars: (frames, n, classes) from 0 to 1, drawn beside each drawing; what is not finite as 0.
    names: what the bars are called.
    right: (frames, n) bool; what is not right has a frame that says so. large: give it more room.
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
                raise ValueError(
                    f"captions has {len(row)} entries; it must have {len(self.images)}, one an image"
                )
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

    def _data(self, x: None, y: None) -> dict:
        data = {
            "columns": self.columns,
            "names": list(self.names),
            "images": [ink(one) for one in self.images],
            "captions": list(self.captions[0]),
            "labels": None if self.labels is None else [int(label) for label in self.labels],
            "classes": self.classes,
        }
        if self.large:
            data["large"] = True
        return data if self.bars is None else data | {"frames": self._frames()}

    def _frames(self) -> list[dict]:
        frames = [
            {"bars": [[significant(p, 3) for p in row] for row in rows], "captions": list(c)}
            for rows, c in zip(self.bars, self.captions, strict=True)
        ]
        if self.right is not None:
            frames = [{**f, "right": r.tolist()} for f, r in zip(frames, self.right, strict=True)]
        return frames
