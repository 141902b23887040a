"""Training speed on Omniglot with Conv4, 5-way 1-shot, beside other ways, and beside the machine.

    python -m benchmarks --only conv4          (six minutes; writes results/bench_conv4.json)

How fast could it be? The processor's peak is measured in every round, by products of fp32
matrices of side 1024; the work of a step is the multiply-adds, counted as two operations, of all
convolutions and products in the gradient of one task, times the tasks. (PyTorch's FlopCounterMode
counts them in the plain loop; work that a contender does on top of that does not count.)
"""

from __future__ import annotations

from statistics import median
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.contenders import installed, loop
from benchmarks.problems import Problem, drawings, omniglot
from benchmarks.race import bar, cpu_seconds, race, show, times_as_fast

SIDE = 1024
# Each with its settings, and with who is left out: JAX and the compiler take minutes to begin.
COMPILED = "maml_edu, compiled"
RACES = {
    "paper's batch, k = 1": ({}, ()),
    "paper's batch, first order": ({"first_order": True}, (COMPILED, "jax")),
    "paper's batch, k = 5": ({"inner_steps": 5}, (COMPILED, "jax", "higher")),
    "15 queries, k = 1": ({"queries": 15}, ("jax",)),
    "15 queries, first order": ({"queries": 15, "first_order": True}, (COMPILED, "jax", "higher")),
}
BARS = {  # ours, the other, and how many times as fast ours should be at least
    "paper's batch, k = 1": (
        ("maml_edu, eager", "loop", 2),
        (COMPILED, "loop", 4),
        ("maml_edu", "jax", 10),
    ),
    "15 queries, k = 1": (("maml_edu", "loop", 2),),
}


def run(rounds: int) -> dict[str, Any]:
    print(drawings().source)
    speed, bars = {}, []
    for title, (how, without) in RACES.items():
        problem = omniglot(**how)
        makers = installed(how.get("first_order", False))
        makers = {name: make for name, make in makers.items() if name not in without}
        work = operations(problem)
        rows = race(problem, makers, min(rounds, 5), peak)
        for row in rows.values():
            most = row.pop("peak")
            row["share_of_peak"] = round(row.pop("steps_per_peak") * work, 3)
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
    found = [
        (f"{title}, {ours} over {other}", times_as_fast(rows, ours, other), least)
        for ours, other, least in BARS.get(title, ())
    ]
    if title == "15 queries, k = 1":
        share = rows["maml_edu"]["share_of_peak"]
        found.append((f"{title}, share of the fp32 peak", share, 0.35))
    return [bar(what, value, least) for what, value, least in found if value is not None]


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
