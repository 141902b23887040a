"""Drawings that a person made, sets of them, and both as JSON.

A set of drawings, "maml_edu drawings 1"::

    {"format": "maml_edu drawings 1",
     "support": [[drawing or null, one a shot], ..., one list a class], "query": drawing or null}

A drawing is one of

    {"strokes": [[[x, y], ...], ...]}  a pen's points on a page of 105 x 105 pixels, y downwards
    {"ink": base64}                    the page's 105 x 105 bits, ink as 1, row by row
    {"grey": base64}                   28 x 28 bytes, 255 for ink, row by row
"""

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
    """kind: "strokes", "ink" or "grey". content: a tuple of (x, y) a stroke, or the bytes."""

    kind: str
    content: tuple | bytes

    @staticmethod
    def of_grey(image: np.ndarray) -> "Drawing":
        """The drawing of an image (28, 28) uint8, 255 for ink, such as one of Omniglot's."""
        return Drawing("grey", _of_kind("image", image, SIDE, np.uint8).tobytes())

    @staticmethod
    def of_ink(ink: np.ndarray) -> "Drawing":
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
    image = np.asarray(image)
    seen, wanted = f"{image.dtype} {image.shape}", f"{np.dtype(dtype)} {(side, side)}"
    if seen != wanted:
        raise ValueError(f"{name} is {seen}; it must be {wanted}")
    return image


def read_drawing_set(value: Any) -> DrawingSet:
    """The set of drawings that this JSON value holds; ValueError that names what is wrong."""
    known = isinstance(value, dict) and set(value) <= {"format", "support", "query"}
    _want(known, "a set of drawings", value, "an object of format, support and query")
    _want(value.get("format") == FORMAT, "format", value.get("format"), repr(FORMAT))
    support = _list(value.get("support"), "support", WAYS, "classes")
    read = []
    for name, of_class in zip(NAMES, support, strict=False):
        _list(of_class, f"class {name}", SHOTS, "drawings")
        alike = len(of_class) == len(support[0])
        _want(alike, f"class {name}", of_class, f"as long as class A, {len(support[0])}")
        read.append(tuple(read_drawing(one, f"{name}{k}") for k, one in enumerate(of_class, 1)))
    return DrawingSet(tuple(read), read_drawing(value.get("query"), "query"))


def read_drawing(value: Any, where: str = "the drawing") -> Drawing | None:
    """The drawing that this JSON value holds, if any; ValueError with `where` and what is wrong."""
    if value is None:
        return None
    one = isinstance(value, dict) and len(value) == 1 and set(value) <= {"strokes", *BYTES}
    _want(one, where, value, "an object with one of strokes, ink, grey")
    [(kind, content)] = value.items()
    if kind == "strokes":
        return Drawing(kind, _strokes(content, where))
    try:
        decoded = base64.b64decode(content, validate=True)
    except (TypeError, ValueError):
        decoded = b""
    right = len(decoded) == BYTES[kind]
    _want(right, f"{where}: {kind}", content, f"{BYTES[kind]} bytes in base64")
    return Drawing(kind, decoded)


def _strokes(content: Any, where: str) -> tuple:
    """Strokes with at least a point each, on the page."""
    for stroke in _list(content, f"{where}: strokes", (1, MOST_STROKES), "strokes"):
        for point in _list(stroke, f"{where}: a stroke", (1, MOST_POINTS), "points"):
            two = isinstance(point, list) and len(point) == 2
            inside = two and all(type(v) in (int, float) and 0 <= v <= PAGE for v in point)
            _want(inside, f"{where}: a point", point, f"[x, y] from 0 to {PAGE}")
    points = sum(map(len, content))
    _want(points <= MOST_POINTS, f"{where}: the number of points", points, f"at most {MOST_POINTS}")
    return tuple(tuple((float(x), float(y)) for x, y in stroke) for stroke in content)


def _list(value: Any, what: str, lengths: tuple[int, int], of: str) -> list:
    low, high = lengths
    right = isinstance(value, list) and low <= len(value) <= high
    _want(right, what, value, f"a list of {low} to {high} {of}")
    return value


def _want(right: bool, what: str, value: Any, allowed: str) -> None:
    if not right:
        raise ValueError(f"{what} is {value!r:.40}; it must be {allowed}")
