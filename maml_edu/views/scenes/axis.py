"""Axes that stay readable when a step diverges, and the numbers that are drawn on them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FAR = 20.0  # axis spans: what lies further out is drawn at this distance, outside the picture
LOG_ASKED = 10.0  # largest / smallest loss from which a log scale reads better
CAP = 100.0  # times the loss at theta: beyond it a loss has left the picture
SMALLEST = 1e-30  # smaller numbers are drawn as 0
BIGGEST = 1e305  # larger numbers are drawn here, so that differences do not overflow


@dataclass(frozen=True)
class Axis:
    """One axis of a panel, the same in all frames.

    domain: its two ends. Where they are (nearly) equal, they are moved apart.
    scale: "linear" or "log". whole: ticks at whole numbers only.
    """

    label: str
    domain: tuple[float, float]
    scale: str = "linear"
    whole: bool = False

    def __post_init__(self) -> None:
        low, high = (float(end) for end in self.domain)
        if not _has_length(low, high):
            low, high = padded(low, high)
        more = math.floor(math.log10(max(abs(low), abs(high)) / (high - low)))
        ends = tuple(significant(end, 5 + max(more, 0)) for end in (low, high))
        object.__setattr__(self, "domain", ends)

    @property
    def span(self) -> float:
        return self.domain[1] - self.domain[0]

    def place(self, values: np.ndarray) -> np.ndarray:
        """`values` for drawing, rounded; nan where not finite, and at most `FAR` spans outside.

        Linear: to 1/10000 of the span. Log: to four significant digits, and zero or less sits on
        the lower end.
        """
        values = np.asarray(values, dtype=float)
        finite, (low, high) = np.isfinite(values), self.domain
        if self.scale == "log":
            top = 10 ** min(math.log10(high) + FAR * math.log10(high / low), 306)
            near = np.clip(np.where(finite, values, low), low, top)
            kept = np.array([significant(v, 4) for v in near.flat]).reshape(near.shape)
        else:
            near = np.clip(values, low - FAR * self.span, high + FAR * self.span)
            kept = np.round(near, 4 - math.floor(math.log10(self.span))) + 0.0  # no -0
        return np.where(finite, kept, np.nan)

    def numbers(self, values: np.ndarray) -> list[float | None]:
        """`place` for JSON: None in place of nan."""
        return [None if math.isnan(v) else v for v in self.place(values).tolist()]


def significant(value: float, digits: int = 5) -> float | None:
    """One number rounded to significant digits; None where it is not finite."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def padded(low: float, high: float, by: float = 0.06) -> tuple[float, float]:
    """The interval with a margin, a fraction of its length; one without length is given some."""
    span = high - low
    if not _has_length(low, high):
        span, by = max(abs(low), 1.0), 0.5
    return low - by * span, high + by * span


def _has_length(low: float, high: float) -> bool:
    return high - low > 1e-9 * max(abs(low), abs(high), SMALLEST)


def finite_range(*arrays: np.ndarray) -> tuple[float, float]:
    """The least and greatest finite value; (0, 1) when there is none."""
    values = np.concatenate([[], *(np.ravel(np.asarray(a, dtype=float)) for a in arrays)])
    values = values[np.isfinite(values)].clip(-BIGGEST, BIGGEST)
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def value_axis(label: str, fixed: Sequence[np.ndarray], moving: Sequence[np.ndarray]) -> Axis:
    """An axis over all of `fixed`, and over `moving` as far as half a span beyond that."""
    low, high = padded(*finite_range(*fixed))
    least, most = finite_range(*fixed, *moving)
    reach = 0.5 * (high - low)
    return Axis(label, (max(min(low, least), low - reach), min(max(high, most), high + reach)))


def loss_axis(losses: Sequence[np.ndarray], label: str = "MSE") -> Axis:
    """An axis for losses, capped at 100 times those at step 0; log where they are far apart."""
    cap = loss_cap(losses)
    low, high = finite_range(*(np.minimum(loss, cap) for loss in losses))
    positive = [loss[np.isfinite(loss) & (loss > 0)] for loss in losses]
    least = min((float(p.min()) for p in positive if p.size), default=0.0)
    least = min(max(least, high * 1e-6), cap)
    if least > 0 and high > SMALLEST and high / least > LOG_ASKED:
        return Axis(f"{label}, log scale", (least / 1.4, high * 1.4), "log")
    return Axis(label, (0.0, 1.08 * high if high > 0 else 1.0))


def loss_cap(losses: Sequence[np.ndarray]) -> float:
    """The loss beyond which a run has left the picture: 100 times the largest at step 0."""
    start = np.concatenate([[], *(np.asarray(loss, dtype=float)[:1] for loss in losses)])
    start = start[np.isfinite(start) & (start > 0)]
    return CAP * float(start.max()) if start.size else CAP


def step_axis(steps: int, label: str = "inner step") -> Axis:
    """An axis of whole steps, 0 to `steps`, with room for the markers at both ends."""
    room = max(0.03 * steps, 0.05)
    return Axis(label, (-room, steps + room), whole=True)
