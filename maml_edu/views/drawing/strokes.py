"""A pen on Omniglot's paper: strokes, which are lists of points, become ink like Omniglot's own.

Omniglot's characters were drawn online, on a page of 105 x 105 pixels, with a pen of one width, and
were not centred. The numbers below were measured on the 19,280 drawings of images_background.zip
(`python -m benchmarks.draw measure` repeats it, and a test compares them with the data).
"""

from collections.abc import Sequence

import numpy as np

Strokes = Sequence[Sequence[tuple[float, float]]]  # points (x, y) in pixels, y downwards

PAGE = 105  # pixels a side
WIDTH = 5.0  # pixels: the median over drawings of the width of their lines
LONGEST = (32.0, 95.0)  # pixels: the longer side of the ink's box; 98% of drawings lie within
MIDDLE = ((37.0, 65.0), (37.5, 64.0))  # x and y of the middle of the ink's box; the same
LARGER = 3.0  # the most that a drawing is enlarged, so that a dot stays a dot


def place(strokes: Strokes, width: float = WIDTH) -> list[np.ndarray]:
    """The strokes, each (points, 2), as large and as near the middle as Omniglot's drawings are.

    A drawing whose size and position are within the range of 98% of Omniglot's stays as it is.
    Otherwise it is scaled to the nearest size in that range, and moved to the nearest position.
    """
    placed = [np.asarray(stroke, dtype=float).reshape(-1, 2) for stroke in strokes]
    points = np.concatenate([np.empty((0, 2)), *placed])
    if not len(points):
        return placed
    low, high = points.min(0), points.max(0)
    long = (high - low).max()
    if long > 0:
        scale = min(float(np.clip(long + width, *LONGEST) - width) / long, LARGER)
        middle = (low + high) / 2
        placed = [middle + scale * (stroke - middle) for stroke in placed]
        low, high = (middle + scale * (end - middle) for end in (low, high))
    wanted = [*map(_within, low - width / 2, high + width / 2, MIDDLE)]
    return [stroke + (wanted - (low + high) / 2) for stroke in placed]


def _within(low: float, high: float, usual: tuple[float, float]) -> float:
    """Where to move the middle of an interval: into the usual range, all of it on the page."""
    half = (high - low) / 2
    middle = min(max((low + high) / 2, usual[0]), usual[1])
    return min(max(middle, half), PAGE - half) if 2 * half < PAGE else PAGE / 2


def rasterise(strokes: Strokes, width: float = WIDTH) -> np.ndarray:
    """Strokes as ink: (105, 105) bool, True where the middle of a pixel is within half a width of
    a line between neighbouring points, or of a stroke's only point. Lines have round ends."""
    if not width > 0:
        raise ValueError(f"width is {width}; it must be above 0")
    ink = np.zeros((PAGE, PAGE), bool)
    for stroke in strokes:
        points = np.asarray(stroke, dtype=float).reshape(-1, 2)
        points = np.repeat(points, 2, 0) if len(points) == 1 else points
        for a, b in zip(points[:-1], points[1:], strict=True):
            _line(ink, a, b, width / 2)
    return ink


def _line(ink: np.ndarray, a: np.ndarray, b: np.ndarray, reach: float) -> None:
    """Ink one line, in place; only the pixels of its box are looked at."""
    first = np.floor(np.minimum(a, b) - reach).clip(0, PAGE).astype(int)
    last = np.ceil(np.maximum(a, b) + reach).clip(0, PAGE).astype(int)
    (left, top), (right, bottom), (along, down) = first, last, b - a
    x = np.arange(left, right)[None, :] + 0.5 - a[0]
    y = np.arange(top, bottom)[:, None] + 0.5 - a[1]
    fraction = ((x * along + y * down) / max(along**2 + down**2, 1e-12)).clip(0, 1)
    near = (x - fraction * along) ** 2 + (y - fraction * down) ** 2 <= reach**2
    ink[top:bottom, left:right] |= near
