"""Training speed on Omniglot with Conv4, 5-way 1-shot, beside other ways, and beside the machine.

    python -m benchmarks --only conv4          (four minutes; writes results/bench_conv4.json)

How fast could it be? The processor's peak is measured in the same run, by products of fp32
matrices of side 1024; the work of a step is the multiply-adds, counted as two operations, of all
convolutions and products in the gradient of one task, times the tasks. (PyTorch's FlopCounterMode
counts them in the plain loop; what one way does on top of that counts for nothing.)
"""

from __future__ import annotations

from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.contenders import installed, loop
from benchmarks.problems import Problem, drawings, omniglot
from benchmarks.race import bar, cpu_seconds, race, show

SIDE = 1024
# What stands in line with what it is told of; JAX takes too long for more than one race.
RACES = {
    "paper's batch, k = 1": ({}, ()),
    "paper's batch, first order": ({"first_order": True}, ("jax",)),
    "paper's batch, k = 5": ({"inner_steps": 5}, ("jax", "higher")),
    "15 queries, k = 1": ({"queries": 15}, ("jax",)),
    "15 queries, first order": ({"queries": 15, "first_order": True}, ("jax", "higher")),
}


def run(rounds: int) -> dict[str, Any]:
    print(drawings().source)
    speed, bars = {}, []
    for title, (how, without) in RACES.items():
        problem = omniglot(**how)
        makers = installed(how.get("first_order", False))
        makers = {name: make for name, make in makers.items() if name not in without}
        work, before = operations(problem), peak()
        rows = race(problem, makers, min(rounds, 5))
        most = max(before, peak())
        for row in rows.values():
            row["share_of_peak"] = round(row["meta_steps_per_s"] * work / most, 3)
        speed[title] = {
            "gflop_a_step": round(work / 1e9, 2),
            "peak_gflop_per_s": {"float32": round(most / 1e9, 1)},
            "rows": rows,
        }
        show(f"Omniglot, 32 tasks, {title}: {work / 1e9:.1f} GFLOP a step", rows)
        shares = ", ".join(f"{name} {row['share_of_peak']:.0%}" for name, row in rows.items())
        print(f"  of the fp32 peak, {most / 1e9:.0f} GFLOP/s: {shares}")
        bars += _bars(title, rows)
    half = peak(torch.bfloat16) / 1e9
    print(f"\n  bf16 peak: {half:.0f} GFLOP/s")
    return {"speed": speed, "bars": bars, "bfloat16_peak_gflop_per_s": round(half, 1)}


def _bars(title: str, rows: dict[str, Any]) -> list[dict[str, Any]]:
    times = {name: row["maml_edu_is_times_as_fast"] for name, row in rows.items()}
    eager = times["loop"] / times["maml_edu, eager"]
    if title == "paper's batch, k = 1":
        bars = [
            bar("eager over the loop", eager, 2),
            bar("maml_edu over the loop", times["loop"], 4),
        ]
        return bars + ([bar("maml_edu over jax", times["jax"], 10)] if "jax" in times else [])
    if title == "15 queries, k = 1":
        share = rows["maml_edu"]["share_of_peak"]
        return [
            bar("15 queries, maml_edu over the loop", times["loop"], 2),
            bar("15 queries, share of the fp32 peak", share, 0.35),
        ]
    return []


def operations(problem: Problem) -> float:
    """Of one meta-step: FLOP, from one task in the plain loop."""
    generator = torch.Generator().manual_seed(0)
    theta = problem.learner.init(generator=generator)
    batch = problem.draw(generator)
    one = type(batch)(*(part[:1] for part in batch[:4]))
    step = loop(problem, theta, one)
    with FlopCounterMode(display=False) as counter:
        step(one)
    return counter.get_total_flops() * len(batch.query_y)


def peak(dtype: torch.dtype = torch.float32) -> float:
    """FLOP/s of a product of two square matrices."""
    a, b = torch.randn(2, SIDE, SIDE).to(dtype)
    return 2 * SIDE**3 / median(cpu_seconds(torch.mm, a, b) for _ in range(9))
