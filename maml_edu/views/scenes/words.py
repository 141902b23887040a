"""Numbers and steps in words."""

from __future__ import annotations

import math


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
