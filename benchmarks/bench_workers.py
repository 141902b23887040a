"""Two workers on two cores, beside one that is held to one core: Omniglot with Conv4.

    python -m benchmarks --only workers        (a minute; writes results/bench_workers.json)

The bar is by the clock, so it needs a quiet machine: what share of its core a worker was given is
printed, and so is the ratio by the processor's time of one step, in which waiting is not counted.
They train as `torchrun -m maml_edu train` has it.
A step of w workers takes T(w) = T(1) / w + c; c is found from w = 1 and 2, and holds the message
(a gradient as long as theta), the waiting for the slower of the two, and Adam's step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.problems import omniglot
from benchmarks.race import bar
from maml_edu.foundation.workers import join
from maml_edu.outer import Training, meta_train

STEPS, WARM_UP = 12, 2
TURNS = 3


def run(rounds: int) -> dict[str, Any]:
    if (os.cpu_count() or 1) < 2:
        print("\nTwo workers: left out, for this machine has one core")
        return {"left_out": "one core", "bars": []}
    found: dict[int, list[dict]] = {1: [], 2: []}
    for _ in range(min(rounds, TURNS)):
        for count, done in found.items():
            done.append(_train(count))
    one, two = (median(turn["seconds_a_step"] for turn in found[count]) for count in (1, 2))
    ratios = [
        a["seconds_a_step"] / b["seconds_a_step"] for a, b in zip(found[1], found[2], strict=True)
    ]
    rest, given = two - one / 2, median(turn["share_of_core"] for turn in found[2])
    busy = {n: median(turn["cpu_seconds_a_step"] for turn in found[n]) for n in found}
    print("\nOmniglot, 32 tasks, k = 1: seconds a step by the clock")
    print(f"  one worker {one:.3f}, two {two:.3f}; so T(w) = {one:.3f} / w + {rest:.3f}")
    print(f"  by the processor's time {busy[1]:.3f} and {busy[2]:.3f}: {busy[1] / busy[2]:.2f}x")
    print(f"  (each of the two workers was given {given:.0%} of a core)")
    losses = [turn["meta_loss"] for turns in found.values() for turn in turns]
    assert max(losses) < 1.01 * min(losses), f"they do not train alike: {losses}"
    return {
        "seconds_a_step": {"one": round(one, 4), "two": round(two, 4), "rest": round(rest, 4)},
        "message_numbers": found[2][0]["message"],
        "cpu_seconds_a_step": {"one": round(busy[1], 4), "two": round(busy[2], 4)},
        "share_of_core": round(given, 3),
        "ratios": [round(r, 3) for r in ratios],
        "bars": [bar("two workers over one", median(ratios), 1.6)],
    }


def _train(count: int) -> dict[str, Any]:
    """What the first of so many workers tells."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        ended = subprocess.run(
            [sys.executable, *torchrun, "-m", "benchmarks.bench_workers", str(told)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        if ended.returncode:
            raise RuntimeError(f"torchrun failed: {ended.stderr[-2000:]}")
        return json.loads(told.read_text())


def worker(told: Path) -> None:
    """Train, and time the steps after the first few. Each worker has a core to itself."""
    torch.set_num_threads(1)
    with join("cpu") as (workers, device):
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {cores[workers.rank % len(cores)]})
        problem = omniglot()
        training = Training(
            steps=STEPS + WARM_UP,
            meta_batch=problem.sizes["n_tasks"],
            shots=problem.sizes["shots"],
            queries=problem.sizes["queries"],
            chunk_size=problem.chunk_size,
        )
        how = {"every": WARM_UP, "workers": workers}
        states = meta_train(problem.learner, problem.tasks, training, **how)
        next(states), next(states)
        clock, processor = time.perf_counter(), time.process_time()
        *_, last = states
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        found = {
            "seconds_a_step": clock / STEPS,
            "cpu_seconds_a_step": processor / STEPS,
            "share_of_core": processor / clock,
            "meta_loss": last.meta_loss,
            "message": sum(p.numel() for p in last.theta.values()) + 1,
        }
        if workers.first:
            told.write_text(json.dumps(found))


if __name__ == "__main__":
    worker(Path(sys.argv[1]))
