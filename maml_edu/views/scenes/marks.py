"""The marks that a panel may hold: one class a kind.

A new kind is a class here and a function each in `plots/marks.py` and `widgets/js/src/marks.js`.
Arrays hold the values as computed, with nan for gaps; the axes round them for drawing. An array of
x or y with a first dimension more than stated holds one entry a frame.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from maml_edu.views.scenes.axis import Axis, significant
from maml_edu.views.scenes.style import series


@dataclass(frozen=True, eq=False)
class Mark:
    """role: its look, see `style`. name: its entry in the legend; None: it has none."""

    kind: ClassVar[str]
    classes: ClassVar[Sequence[str]] = ()  # other roles that it is drawn with
    role: str
    name: str | None

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
        frames = _by_frame(moving)
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
        lines = [zip(x.numbers(a[:, 0]), y.numbers(a[:, 1]), strict=True) for a in self.lines]
        return super().as_json(x, y) | {"lines": [list(line) for line in lines]}


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
        n = len(self.images)
        for row in self.captions:
            if len(row) != n:
                raise ValueError(f"captions has {len(row)} entries; it must have {n}, one an image")
        if self.bars is not None:
            bars = np.where(np.isfinite(self.bars), np.clip(self.bars, 0, 1), 0.0)
            object.__setattr__(self, "bars", bars)

    @property
    def classes(self) -> list[str]:
        """The role of each class."""
        labels = () if self.labels is None else self.labels
        return [series(i) for i in range(max(len(self.names), 1 + max(labels, default=-1)))]

    def as_json(self, x: None, y: None) -> dict:
        data = {"kind": self.kind, **vars(self), "classes": self.classes}
        data["images"] = [ink(one) for one in self.images]
        data["labels"] = None if self.labels is None else [int(label) for label in self.labels]
        bars, right = data.pop("bars"), data.pop("right")
        data["captions"] = self.captions[0]
        if bars is None:
            return data
        bars = [[[significant(p, 3) for p in row] for row in rows] for rows in bars]
        moving = {"bars": bars, "captions": self.captions}
        return data | {
            "frames": _by_frame(moving | ({} if right is None else {"right": right.tolist()}))
        }


def _by_frame(moving: dict[str, Sequence]) -> list[dict]:
    """One dict a frame, of key -> one entry a frame."""
    return [dict(zip(moving, now, strict=True)) for now in zip(*moving.values(), strict=True)]


def ink(image: np.ndarray) -> str:
    """(height, width), 1 for ink and 0 for paper, as base64 of a PNG: black, as opaque as it is
    inked, so that the page shows through the paper. Values are clipped, and nan is paper."""
    opacity = np.round(255 * np.clip(np.nan_to_num(image), 0, 1)).astype(np.uint8)
    pixels, buffer = np.stack([np.zeros_like(opacity), opacity], -1), io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=9)  # grey and opacity: mode "LA"
    return base64.b64encode(buffer.getvalue()).decode("ascii")
