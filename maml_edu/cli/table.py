"""Figures as a small table for a terminal."""

from __future__ import annotations

from typing import Any

SHOWN = (0, 1, 5, 10)  # inner steps, and the last one


def table(figures: dict[str, Any]) -> str:
    """The error after some of the inner steps, mean ± half-width of its 95% interval."""
    rows = figures["by_inner_step"]
    protocol = figures["protocol"]
    lines = [
        f"query error on {protocol['tasks']} new tasks, {protocol['shots']} support points each, "
        "mean ± 95%:",
        "  inner steps   mean squared error",
    ]
    for step in sorted({*(s for s in SHOWN if s < len(rows)), len(rows) - 1}):
        mean, half = rows[step]["mean"], rows[step]["half_width"]
        value = "not finite: it diverged" if mean is None else f"{mean:.3f}"
        value += "" if half is None else f" ± {half:.3f}"
        lines.append(f"  {step:>11}   {value}")
    return "\n".join(lines)
