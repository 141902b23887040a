"""Builders of the marks and panels that a scene is made of (see `maml_edu.views.scenes`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maml_edu.views.scenes.axes import numbers
from maml_edu.views.scenes.ink import ink
from maml_edu.views.scenes.style import series


def panel(
    name: str, title: str, x: dict, y: dict, marks: list[dict], alt: list[str], **extra: object
) -> dict:
    """A panel; `extra` may hold `place`, `equal` (one scale for both axes) and `notes`."""
    base = {"id": name, "title": title, "place": "main", "equal": False, "notes": None}
    return {**base, "x": x, "y": y, "marks": marks, "alt": alt, **extra}


def gallery(name: str, title: str, images: dict, alt: list[str], **extra: object) -> dict:
    """A panel without axes that holds one mark of `images`."""
    return {**panel(name, title, {}, {}, [images], alt, **extra), "x": None, "y": None}


def images(
    role: str,
    drawings: np.ndarray,
    captions: Sequence[str],
    *,
    labels: Sequence[int] | None = None,
    columns: int = 10,
    frames: list[dict] | None = None,
    names: Sequence[str] = (),
) -> dict:
    """Drawings (n, height, width), 1 for ink, each with a caption, and the colour of its class.

    frames: per frame "captions" (n,), "right" (n,) whether to frame it as wrong or not, and "bars"
        (n, classes) from 0 to 1, drawn beside each drawing and called `names`. None of it is
        needed in a picture that does not move.
    """
    if len(captions) != len(drawings):
        raise ValueError(f"captions has {len(captions)} entries; there are {len(drawings)} images")
    mark = {"kind": "images", "role": role, "name": None, "columns": columns, "names": list(names)}
    mark |= {"images": [ink(one) for one in drawings], "captions": list(captions)}
    mark["labels"] = None if labels is None else [int(label) for label in labels]
    ways = max(len(names), 1 + max(mark["labels"] or [-1]))
    mark["classes"] = [series(label) for label in range(ways)]
    return {**mark, "frames": frames} if frames else mark


def line(role: str, name: str | None, x: np.ndarray, y: np.ndarray, on: tuple[dict, dict]) -> dict:
    """A line of y over x; with `y` of shape (frames, points), one line per frame."""
    mark = {"kind": "line", "role": role, "name": name, "x": numbers(x, on[0])}
    if np.ndim(y) == 2:
        return {**mark, "y": [], "frames": [{"y": numbers(row, on[1])} for row in y]}
    return {**mark, "y": numbers(y, on[1])}


def band(role: str, x: np.ndarray, low: np.ndarray, high: np.ndarray, on: tuple) -> dict:
    """The strip between `low` and `high`; it belongs to a line of the same role."""
    ends = {"low": numbers(low, on[1]), "high": numbers(high, on[1])}
    return {"kind": "band", "role": role, "name": None, "x": numbers(x, on[0]), **ends}


def points(role: str, name: str | None, x: np.ndarray, y: np.ndarray, on: tuple) -> dict:
    """Markers at (x, y)."""
    data = {"x": numbers(x, on[0]), "y": numbers(y, on[1])}
    return {"kind": "points", "role": role, "name": name, **data}


def trail(
    role: str, name: str | None, x: np.ndarray, y: np.ndarray, on: tuple, *, readout=None
) -> dict:
    """A position per frame; `readout`, one text per frame, is shown beside its legend entry."""
    data = {"x": numbers(x, on[0]), "y": numbers(y, on[1]), "readout": readout}
    return {"kind": "trail", "role": role, "name": name, **data}


def held(values: np.ndarray, frames: int) -> np.ndarray:
    """`values` with the last entry repeated up to `frames`: a run that stopped stays there."""
    return np.concatenate([values, np.repeat(values[-1:], frames - len(values), axis=0)])


def said(value: float) -> str:
    """A number as text, three significant digits; words where it is not finite."""
    return f"{value:.3g}" if np.isfinite(value) else "not finite"
