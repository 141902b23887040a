"""Numbers for pictures: JSON-able, short, and on axes that a diverged step cannot squash."""

from __future__ import annotations

import math

import numpy as np

FAR = 20.0  # axis spans: what lies further out is drawn at this distance, outside the picture
LOG_ASKED = 10.0  # largest / smallest loss from which a log scale reads better
CAP = 100.0  # times the loss at theta: beyond it a loss has left the picture


def axis(
    label: str, domain: tuple[float, float], *, log: bool = False, whole: bool = False
) -> dict:
    """An axis; `whole` asks for whole numbers only at its ticks (steps)."""
    scale = "log" if log else "linear"
    return {"label": label, "domain": [short(v) for v in domain], "scale": scale, "whole": whole}


def short(value: float, digits: int = 5) -> float | None:
    """One number at `digits` significant digits; None where it is not finite."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def numbers(values: np.ndarray, on: dict) -> list:
    """`values` for drawing on the axis `on`: None where not finite, else to 1/10000 of its span.

    On a log axis four significant digits, and what is zero or below sits on the lower edge.
    """
    values = np.asarray(values, dtype=float)
    low, high = on["domain"]
    if on["scale"] == "log":
        top = high * (high / low) ** min(FAR, 250 / math.log10(high / low) - 1)
        return [None if not math.isfinite(v) else short(min(max(v, low), top), 4) for v in values]
    span = high - low
    digits = 4 - math.floor(math.log10(span))
    kept = np.round(np.clip(values, low - FAR * span, high + FAR * span), digits)
    return [v if math.isfinite(v) else None for v in (kept + 0.0).tolist()]


def padded(low: float, high: float, by: float = 0.06) -> tuple[float, float]:
    """The interval with a margin; one that has no length is given some."""
    span = high - low
    if not span > 1e-9 * max(abs(low), abs(high), 1e-30):
        span = max(abs(low), 1.0)
        by = 0.5
    return low - by * span, high + by * span


def finite_range(*arrays: np.ndarray) -> tuple[float, float]:
    """The least and greatest finite value; (0, 1) when there is none."""
    values = np.concatenate([[], *(np.ravel(np.asarray(a, dtype=float)) for a in arrays)])
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def value_axis(label: str, fixed: list[np.ndarray], moving: list[np.ndarray]) -> dict:
    """An axis over all of `fixed`, and over `moving` as far as half a span beyond that."""
    low, high = padded(*finite_range(*fixed))
    reach = 0.5 * (high - low)
    moving_low, moving_high = finite_range(*fixed, *moving)
    return axis(label, (max(min(low, moving_low), low - reach),
                        min(max(high, moving_high), high + reach)))  # fmt: skip


def loss_axis(losses: list[np.ndarray], label: str = "MSE") -> dict:
    """An axis for losses: logarithmic where their range asks for it, capped at 100 times step 0."""
    cap = loss_cap(losses)
    low, high = finite_range(*[np.minimum(loss, cap) for loss in losses])
    positive = [loss[np.isfinite(loss) & (loss > 0)] for loss in losses]
    least = min((float(p.min()) for p in positive if p.size), default=0.0)
    least = min(max(least, high * 1e-6), cap)
    if least > 0 and high / least > LOG_ASKED:
        return axis(f"{label}, log scale", (least / 1.4, high * 1.4), log=True)
    return axis(label, (0.0, 1.08 * high if high > 0 else 1.0))


def loss_cap(losses: list[np.ndarray]) -> float:
    """The loss beyond which a run has left the picture: 100 times the largest at step 0."""
    start = np.array([loss[0] for loss in losses])
    start = start[np.isfinite(start) & (start > 0)]
    return CAP * float(start.max()) if start.size else CAP


def step_axis(steps: int, label: str = "inner step") -> dict:
    """An axis of whole steps, 0 to `steps`, with room for the markers at both ends."""
    room = max(0.03 * steps, 0.05)
    return axis(label, (-room, steps + room), whole=True)
