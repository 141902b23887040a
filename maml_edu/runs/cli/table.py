"""Figures as a small table for a terminal."""

from __future__ import annotations

from typing import Any

SHOWN = (0, 1, 5, 10)  # inner steps, and the last one


def table(figures: dict[str, Any]) -> str:
    """The error after some of the inner steps, mean ± half-width of its 95% interval."""
    rows = figures["by_inner_step"]
    protocol = figures["protocol"]
    if "way" in protocol:
        return _of_classifier(rows, protocol)
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


def _of_classifier(rows: list[dict[str, Any]], protocol: dict[str, Any]) -> str:
    lines = [
        f"{protocol['way']}-way {protocol['shots']}-shot accuracy on {protocol['tasks']} tasks of "
        f"{protocol['split']} characters, {protocol['queries']} queries a character, mean ± 95%",
        f"  batch-norm {protocol['batch_norm']}; {protocol['data']}",
        "  inner steps   accuracy",
    ]
    for step, row in enumerate(rows):
        lines.append(f"  {step:>11}   {100 * row['mean']:.2f}% ± {100 * row['half_width']:.2f}")
    return "\n".join(lines)
