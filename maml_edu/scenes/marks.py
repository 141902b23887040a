"""Builders of the marks and panels that a scene is made of (see `maml_edu.scenes`)."""

from __future__ import annotations

import numpy as np

from maml_edu.scenes.axes import numbers


def panel(
    name: str, title: str, x: dict, y: dict, marks: list[dict], alt: list[str], **extra: object
) -> dict:
    """A panel; `extra` may hold `place`, `equal` (one scale for both axes) and `notes`."""
    base = {"id": name, "title": title, "place": "main", "equal": False, "notes": None}
    return {**base, "x": x, "y": y, "marks": marks, "alt": alt, **extra}


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
