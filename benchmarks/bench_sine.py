"""Training speed on sine waves beside other ways, and the time that good quality takes.

    python -m benchmarks --only sine           (two minutes; writes results/bench_sine.json)

A step draws no tasks: it adapts, differentiates and makes Adam's step.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.contenders import installed
from benchmarks.problems import SINE, sine
from benchmarks.race import bar, race, show, times_as_fast
from maml_edu.outer import meta_train
from maml_edu.runs.cli.output import table
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, measure

QUALITY = {1: 0.64, 5: 0.38, 10: 0.34}  # mean query error by inner step, at most
SECONDS = 20  # at most, to that quality


def run(rounds: int) -> dict[str, Any]:
    makers, speed = installed(), {}
    for k in (1, 5):
        speed[f"{k} inner steps"] = rows = race(sine(k), makers, rounds)
        show(f"sine waves, {SINE['n_tasks']} tasks, k = {k}", rows)
    bars = _bars(speed)
    quality = time_to_quality()
    bars += quality.pop("bars")
    return {"setting": SINE, "speed": speed, "bars": bars, "time_to_quality": quality}


BARS = {  # ours, the other, and how many times as fast ours should be at least
    1: (
        ("maml_edu, eager", "higher", 8),
        ("maml_edu, compiled", "higher", 30),
        ("maml_edu, compiled", "jax", 1),
    ),
    5: (("maml_edu, compiled", "jax", 1.1),),
}


def _bars(speed: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    bars = []
    for k, wanted in BARS.items():
        for ours, other, least in wanted:
            times = times_as_fast(speed[f"{k} inner steps"], ours, other)
            if times is not None:
                bars.append(bar(f"k = {k}, {ours} over {other}", times, least))
    return bars


def time_to_quality() -> dict[str, Any]:
    """Train as `train sine` does, and measure on 10,000 tasks."""
    config = TrainConfig.make("sine")
    clock, processor = time.perf_counter(), time.process_time()
    *_, last = meta_train(config.make_learner(), config.make_tasks(), config.training, every=1000)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    figures = measure(config, last.theta, Measurement(n_tasks=10_000))
    print(f"\nTraining with the defaults: {clock:.1f} s, {processor:.1f} s of processor time")
    print(table(figures))
    bars = [bar("seconds of training", processor, SECONDS, at_most=True)]
    for step, error in QUALITY.items():
        mean = figures["by_inner_step"][step]["mean"]
        mean = float("inf") if mean is None else mean
        bars.append(bar(f"error at inner step {step}", mean, error, at_most=True))
    return {
        "bars": bars,
        "config": config.as_json(),
        "seconds": round(clock, 1),
        "cpu_seconds": round(processor, 1),
        "figures": figures,
    }
