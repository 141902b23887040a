"""Drawings that a person made, sets of them, and both as JSON.

A set of drawings, "maml_edu drawings 1"::

    {"format": "maml_edu drawings 1",
     "support": [[drawing or null, one a shot], ..., one list a class], "query": drawing or null}

A drawing is one of

    {"strokes": [[[x, y], ...], ...]}  a pen's points on a page of 105 x 105 pixels, y downwards
    {"ink": base64}                    the page's 105 x 105 bits, ink as 1, row by row
    {"grey": base64}                   28 x 28 bytes, 255 for ink, row by row
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from maml_edu.views.drawing.strokes import PAGE, WIDTH

FORMAT = "maml_edu drawings 1"
NAMES = "ABCDE"  # of the classes
WAYS, SHOTS = (2, len(NAMES)), (1, 3)  # least and most
LIMITS = {"page": PAGE, "pen": WIDTH, "names": NAMES, "ways": WAYS, "shots": SHOTS}  # of a pad
SIDE = 28
BYTES = {"ink": math.ceil(PAGE * PAGE / 8), "grey": SIDE * SIDE}
MOST_STROKES, MOST_POINTS = 200, 5000  # of one drawing


@dataclass(frozen=True)
class Drawing:
    """One drawing. kind: "strokes", "ink" or "grey". content: tuples of (x, y) for each stroke, or
    the bytes of the other kinds."""

    kind: str
    content: tuple | bytes

    @staticmethod
    def of_grey(image: np.ndarray) -> Drawing:
        """The drawing of an image (28, 28) uint8, 255 for ink, such as one of Omniglot's."""
        return Drawing("grey", _of_kind("image", image, SIDE, np.uint8).tobytes())

    @staticmethod
    def of_ink(ink: np.ndarray) -> Drawing:
        """The drawing of a page (105, 105) bool, True for ink."""
        return Drawing("ink", np.packbits(_of_kind("ink", ink, PAGE, bool)).tobytes())

    @property
    def pixels(self) -> np.ndarray:
        """Of "grey" (28, 28) uint8, of "ink" (105, 105) bool. ValueError for strokes."""
        if self.kind == "strokes":
            raise ValueError("kind is 'strokes', without pixels; it must be 'grey' or 'ink'")
        values = np.frombuffer(self.content, np.uint8)
        if self.kind == "grey":
            return values.reshape(SIDE, SIDE)
        return np.unpackbits(values, count=PAGE * PAGE).reshape(PAGE, PAGE).astype(bool)

    def as_json(self) -> dict[str, Any]:
        if self.kind == "strokes":
            return {"strokes": [[list(point) for point in stroke] for stroke in self.content]}
        return {self.kind: base64.b64encode(self.content).decode("ascii")}


@dataclass(frozen=True)
class DrawingSet:
    """Support drawings by class and shot, and a query; None where nothing is drawn yet."""

    support: tuple[tuple[Drawing | None, ...], ...]
    query: Drawing | None

    @property
    def way(self) -> int:
        return len(self.support)

    @property
    def shots(self) -> int:
        return len(self.support[0])

    @property
    def missing(self) -> str:
        """What must still be drawn before a network can adapt and answer: "A, C and the query"."""
        lacks = [NAMES[i] for i, of_class in enumerate(self.support) if not any(of_class)]
        lacks += ["the query"] if self.query is None else []
        return " and ".join([", ".join(lacks[:-1]), lacks[-1]] if lacks[1:] else lacks)

    def as_json(self) -> dict[str, Any]:
        """The JSON value of this module's docstring."""
        support = [[one and one.as_json() for one in of_class] for of_class in self.support]
        return {"format": FORMAT, "support": support, "query": self.query and self.query.as_json()}


def _of_kind(name: str, image: np.ndarray, side: int, dtype: type) -> np.ndarray:
    image, wanted = np.asarray(image), np.dtype(dtype)
    if image.shape != (side, side) or image.dtype != wanted:
        seen = f"{image.dtype} {image.shape}"
        raise ValueError(f"{name} is {seen}; it must be {wanted} {(side, side)}")
    return image


def read_drawing_set(value: Any) -> DrawingSet:
    """The set of drawings that this JSON value holds; ValueError that names what is wrong."""
    _want(isinstance(value, dict), "a set of drawings", value, "an object")
    _want(value.get("format") == FORMAT, "format", value.get("format"), repr(FORMAT))
    if unknown := set(value) - {"format", "support", "query"}:
        raise ValueError(f"there is {sorted(unknown)[0]!r}; it must be format, support or query")
    support = _list(value.get("support"), "support", WAYS, "classes")
    for name, of_class in zip(NAMES, support, strict=False):
        _list(of_class, f"class {name}", SHOTS, "drawings")
        alike = len(of_class) == len(support[0])
        _want(alike, f"class {name}", of_class, f"as long as class A, {len(support[0])}")
    read = tuple(
        tuple(_read_or_none(one, f"{name}{k}") for k, one in enumerate(of_class, 1))
        for name, of_class in zip(NAMES, support, strict=False)
    )
    return DrawingSet(read, _read_or_none(value.get("query"), "query"))


def read_drawing(value: Any, where: str = "the drawing") -> Drawing:
    """The drawing that this JSON value holds; ValueError that names `where` and what is wrong."""
    one = isinstance(value, dict) and len(value) == 1
    _want(one, where, value, "an object with one of strokes, ink, grey")
    [(kind, content)] = value.items()
    if kind == "strokes":
        return Drawing(kind, _strokes(content, where))
    _want(kind in BYTES, where, kind, "one of strokes, ink, grey")
    _want(isinstance(content, str), f"{where}: {kind}", content, "text in base64")
    try:
        decoded = base64.b64decode(content, validate=True)
    except ValueError:
        raise ValueError(f"{where}: {kind} is not base64") from None
    if len(decoded) != BYTES[kind]:
        raise ValueError(f"{where}: {kind} has {len(decoded)} bytes; it must have {BYTES[kind]}")
    return Drawing(kind, decoded)


def _read_or_none(value: Any, where: str) -> Drawing | None:
    return None if value is None else read_drawing(value, where)


def _strokes(content: Any, where: str) -> tuple:
    """Strokes with at least a point each, on the page."""
    for stroke in _list(content, f"{where}: strokes", (1, MOST_STROKES), "strokes"):
        _want(isinstance(stroke, list) and stroke != [], f"{where}: a stroke", stroke, "points")
        for point in stroke:
            _want(_on_the_page(point), f"{where}: a point", point, f"[x, y] from 0 to {PAGE}")
    if (points := sum(map(len, content))) > MOST_POINTS:
        raise ValueError(f"{where} has {points} points; it must have at most {MOST_POINTS}")
    return tuple(tuple((float(x), float(y)) for x, y in stroke) for stroke in content)


def _on_the_page(point: Any) -> bool:
    numbers = isinstance(point, list) and len(point) == 2
    return numbers and all(type(v) in (int, float) and 0 <= v <= PAGE for v in point)


def _list(value: Any, what: str, lengths: tuple[int, int], of: str) -> list:
    low, high = lengths
    right = isinstance(value, list) and low <= len(value) <= high
    _want(right, what, value, f"a list of {low} to {high} {of}")
    return value


def _want(right: bool, what: str, value: Any, allowed: str) -> None:
    if not right:
        seen = repr(value)
        seen = seen if len(seen) <= 40 else f"{seen[:37]}..."
        raise ValueError(f"{what} is {seen}; it must be {allowed}")
