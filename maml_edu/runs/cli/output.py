"""What a command says: sentences on stderr, figures as a small table."""

import os
import sys
from typing import Any


def say(sentence: str) -> None:
    """To stderr, once for each machine: its first worker speaks for the others."""
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        print(f"maml_edu: {sentence}", file=sys.stderr)


def table(figures: dict[str, Any]) -> str:
    """What `measure` returned after some of the inner steps, mean ± half-width of the interval."""
    rows, protocol = figures["by_inner_step"], figures["protocol"]
    if classifies := "way" in protocol:
        steps, column = range(len(rows)), "accuracy"
        lines = [
            f"{protocol['way']}-way {protocol['shots']}-shot accuracy on {protocol['tasks']} tasks "
            f"of {protocol['split']} characters, {protocol['queries']} queries a character, "
            "mean ± 95%",
            f"  batch-norm {protocol['batch_norm']}; {protocol['data']}",
        ]
    else:
        steps, column = sorted({0, 1, 5, 10, len(rows) - 1}), "mean squared error"
        lines = [
            f"query error on {protocol['tasks']} new tasks, {protocol['shots']} support points "
            "each, mean ± 95%:"
        ]
    lines.append(f"  inner steps   {column}")
    for step, row in enumerate(rows):
        if step in steps:
            lines.append(f"  {step:>11}   {_interval(**row, percent=classifies)}")
    return "\n".join(lines)


def _interval(mean: float | None, half_width: float | None, percent: bool) -> str:
    if mean is None:
        return "not finite: it diverged"
    if percent:
        return f"{100 * mean:.2f}% ± {100 * half_width:.2f}"
    return f"{mean:.3f}" if half_width is None else f"{mean:.3f} ± {half_width:.3f}"
