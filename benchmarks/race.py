"""Contenders in turns, so that whatever else the machine does hits them alike.

Times are the processor's, of all of a process's threads: on a quiet machine those of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.contenders import Step
from benchmarks.problems import Problem

BLOCK = 0.3  # seconds that each contender runs before the next has its turn
MOST = 8  # seconds in all; a slow contender stops there, but has two turns at least


def contenders(problem: Problem, makers: dict[str, Callable], checked: int = 2) -> dict[str, Step]:
    """One step function each, all from the same theta; they must agree on where they go."""
    theta = problem.learner.init(generator=torch.Generator().manual_seed(0))
    batch = problem.draw(torch.Generator().manual_seed(1))
    steps = {name: make(problem, theta, batch) for name, make in makers.items()}
    for done in range(checked):  # losses agree after steps on the same tasks only if gradients do
        losses = torch.stack([step(batch) for step in steps.values()])
        close = {"rtol": problem.agreement if done else 1e-4, "atol": 1e-5}
        torch.testing.assert_close(losses, losses[:1].expand_as(losses), **close)
    return steps


def cpu_seconds(fn: Callable, *arguments: Any) -> float:
    began = time.process_time()
    fn(*arguments)
    return time.process_time() - began


def race(
    problem: Problem,
    makers: dict[str, Callable],
    rounds: int,
    peak: Callable[[], float] | None = None,
) -> dict[str, dict[str, Any]]:
    """Each contender's median rate, and, round by round, how many times as fast ours is.

    peak: what the machine could do at most, per second; measured each round, because that changes
        with whatever else it does. Rows have its median as `peak`, and `steps_per_peak`.
    """
    steps = contenders(problem, makers)
    generator = torch.Generator().manual_seed(2)

    def seconds(step: Step, n_steps: int) -> float:
        batches = [problem.draw(generator) for _ in range(n_steps)]
        return cpu_seconds(lambda: [step(batch) for batch in batches]) / n_steps

    counts = {name: max(1, int(BLOCK / seconds(step, 1))) for name, step in steps.items()}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    peaks = []
    for _ in range(rounds):
        if peak is not None:
            peaks.append(peak())
        for name, step in steps.items():
            spent = counts[name] * sum(taken[name])
            if len(taken[name]) < 2 or spent < MOST:
                taken[name].append(seconds(step, counts[name]))
    rows = {name: _row(times, taken["maml_edu"]) for name, times in taken.items()}
    if peak is not None:
        for name, times in taken.items():
            per_peak = [1 / (t * most) for t, most in zip(times, peaks, strict=False)]
            rows[name] |= {"steps_per_peak": median(per_peak), "peak": median(peaks)}
    return rows


def times_as_fast(rows: dict[str, dict[str, Any]], one: str, other: str) -> float | None:
    """How many times as fast as the other, by their median ratios to ours; None without both."""
    if not {one, other} <= rows.keys():
        return None
    one, other = (rows[name]["maml_edu_is_times_as_fast"] for name in (one, other))
    return other / one


def _row(times: list[float], ours: list[float]) -> dict[str, Any]:
    ratios = [a / b for a, b in zip(times, ours, strict=False)]  # a slow one has fewer turns
    return {
        "meta_steps_per_s": round(1 / median(times), 3 if median(times) > 0.1 else 1),
        "maml_edu_is_times_as_fast": round(median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
        "turns": len(times),
    }


def show(title: str, rows: dict[str, dict[str, Any]]) -> None:
    print(f"\n{title}\n  {'':<18}{'meta-steps/s':>13}{'maml_edu is':>14}{'from':>8}{'to':>8}")
    for name, row in rows.items():
        times, low, high = (row[k] for k in ("maml_edu_is_times_as_fast", "lowest", "highest"))
        rate = f"{row['meta_steps_per_s']:>13,.3g}"
        print(f"  {name:<18}{rate}{times:>13.2f}x{low:>8.2f}{high:>8.2f}", flush=True)


def exponent(sizes: list[float], costs: list[float]) -> float:
    """The p of costs ~ sizes^p: the slope of a straight line through their logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def bar(what: str, value: float, wanted: float, at_most: bool = False) -> dict[str, Any]:
    """Say whether a bar is met, and write it down."""
    met = value <= wanted if at_most else value >= wanted
    sign = "at most" if at_most else "at least"
    print(f"  {what}: {value:.2f}, {sign} {wanted:g}: {'yes' if met else 'NO'}", flush=True)
    return {"what": what, "value": round(value, 3), sign: wanted, "met": bool(met)}
