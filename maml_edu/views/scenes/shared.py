"""What several scenes share: words, runs that leave the picture, panels of losses and accuracy."""

import math
from collections.abc import Sequence

import numpy as np

from maml_edu.views.scenes.axis import Axis, loss_axis, loss_cap, step_axis
from maml_edu.views.scenes.base import Panel
from maml_edu.views.scenes.marks import Line, Trail

Notes = Sequence[str | None]  # what to say over the picture, one a frame

MSE, CROSS_ENTROPY = ("mean squared error", "MSE"), ("cross-entropy", "nats")


def fmt(value: float) -> str:
    """A number at three significant digits; words where it is not finite."""
    return f"{value:.3g}" if math.isfinite(value) else "not finite"


def fmt_percent(fraction: float, spec: str = ".0f") -> str:
    """A fraction as a percentage, "93%"; words where it is not finite."""
    percent = 100 * float(fraction)
    return f"{percent:{spec}}%" if math.isfinite(percent) else "not finite"


def fmt_step(step: int) -> str:
    """ "before adapting", "after 1 inner step", "after 2 inner steps", and so on."""
    return "before adapting" if step == 0 else f"after {step} inner step{'s' * (step > 1)}"


def fmt_point(x: float, y: float) -> str:
    """ "(1, -0.5)"; 0 is never -0."""
    return f"({fmt(x + 0.0)}, {fmt(y + 0.0)})"


def directions(explained_fraction: float, of: str = "motion") -> tuple[str, str]:
    """The labels of the axes of a plane of main directions, with how much of it the plane holds."""
    explained = fmt_percent(explained_fraction, ".3g")
    return f"direction 1 (this plane holds {explained} of the {of})", "direction 2"


def likeliest(probabilities: np.ndarray, by: float = 0.0) -> np.ndarray:
    """The likeliest label of each row, (…, way) -> (…); -1 where something is not finite, or
    another label is less than `by` behind."""
    known = np.nan_to_num(probabilities, nan=-1)
    near = (known > known.max(-1, keepdims=True) - by).sum(-1)
    return np.where(np.isfinite(probabilities).all(-1) & (near <= 1), known.argmax(-1), -1)


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


def divergence_notes(gone: int | None, frames: int) -> Notes:
    """What a panel says at each frame about a run that left it at step `gone`."""
    text = f"diverged: left the picture at step {gone}"
    return [text if gone is not None and step >= gone else None for step in range(frames)]


def left_notes(gone: Sequence[tuple[str, int | None]], frames: int) -> Notes:
    """What a panel of several runs, (name, step at which it left), says at each frame."""
    known = [(name, k) for name, k in gone if k is not None]
    left = [", ".join(f"{n} at step {k}" for n, k in known if k <= step) for step in range(frames)]
    return [f"left the picture: {names}" if names else None for names in left]


def with_notes(texts: Sequence[str], notes: Notes) -> list[str]:
    """Sentences about each frame, and the note there as one more."""
    pairs = zip(texts, notes, strict=True)
    return [f"{text} {note[0].upper()}{note[1:]}." if note else text for text, note in pairs]


def loss_panel(
    losses: Sequence[tuple[str, str, np.ndarray]],
    *,
    what: str = "Loss",
    measure: tuple[str, str] = MSE,
    gone: int | None = None,
    notes: Notes | None = None,
) -> Panel:
    """Losses, (role, name, (steps + 1,)), against the inner step; blank after step `gone`."""
    values = [loss for *_, loss in losses]
    steps = np.arange(len(values[0]))
    trails = [
        Trail(role, name, steps, cut_after(gone, loss), [fmt(v) for v in loss])
        for role, name, loss in losses
    ]
    now = ["; ".join(f"{t.name} {t.readout[step]}" for t in trails) for step in steps]
    alt = [f"{what} at inner step {step}: {text}." for step, text in enumerate(now)]
    x, y = step_axis(len(steps) - 1), loss_axis(values, measure[1])
    return Panel("losses", f"{what} ({measure[0]})", trails, alt, x, y, place="side", notes=notes)


def two_losses(support: np.ndarray, query: np.ndarray, **options: object) -> Panel:
    """The `loss_panel` of one task's support and query loss, each (steps + 1,)."""
    return loss_panel([("support", "support", support), ("query", "query", query)], **options)


def accuracy_panel(accuracy: np.ndarray, way: int, x: Axis) -> Panel:
    """The fraction of queries answered rightly, (frames,), above that of guessing."""
    readout = [fmt_percent(value) for value in accuracy]
    guessing = Line("theta", "guessing", np.array(x.domain), np.full(2, 1 / way))
    trail = Trail("adapted", "queries right", np.arange(len(accuracy)), accuracy, readout)
    alt = [f"{right} of the queries are right at {x.label} {i}." for i, right in enumerate(readout)]
    y = Axis("fraction right", (0.0, 1.04))
    return Panel("accuracy", "Accuracy", [guessing, trail], alt, x, y, place="side")
