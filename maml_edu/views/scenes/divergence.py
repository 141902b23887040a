"""Runs that leave the picture: at which step, how far they are drawn, and the notes about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maml_edu.views.scenes.axis import loss_cap


def first(outside: np.ndarray) -> int | None:
    """The first step, of (steps,), for which something is true, or None."""
    return int(np.argmax(outside)) if outside.any() else None


def too_high(losses: Sequence[np.ndarray]) -> np.ndarray:
    """By step: whether a loss is not finite, or over 100 times the largest at theta: (steps,)."""
    return ~(np.stack(losses) <= loss_cap(losses)).all(0)


def cut_after(gone: int | None, values: np.ndarray) -> np.ndarray:
    """Per-step `values` with nan after step `gone`: a run is drawn up to where it leaves."""
    values = np.array(values, dtype=float)
    if gone is not None:
        values[gone + 1 :] = np.nan
    return values


def hold_last(values: np.ndarray, frames: int) -> np.ndarray:
    """`values` with the last entry repeated up to `frames`: a run that stopped stays there."""
    return np.concatenate([values, np.repeat(values[-1:], frames - len(values), axis=0)])


def with_notes(texts: Sequence[str], notes: Sequence[str | None]) -> list[str]:
    """Sentences about each frame, and the note there as one more."""
    pairs = zip(texts, notes, strict=True)
    return [f"{text} {note[0].upper()}{note[1:]}." if note else text for text, note in pairs]


def divergence_notes(gone: int | None, frames: int) -> list[str | None]:
    """What a panel says at each frame about a run that left it at step `gone`."""
    text = f"diverged: left the picture at step {gone}"
    return [text if gone is not None and step >= gone else None for step in range(frames)]


def left_notes(gone: Sequence[tuple[str, int | None]], frames: int) -> list[str | None]:
    """What a panel of several runs, (name, step at which it left), says at each frame."""
    notes = []
    for step in range(frames):
        left = [f"{name} at step {k}" for name, k in gone if k is not None and step >= k]
        notes.append(f"left the picture: {', '.join(left)}" if left else None)
    return notes
