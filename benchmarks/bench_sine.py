"""Training speed on sine waves beside other ways, and the time that good quality takes.

    python -m benchmarks.bench_sine            (make bench; three minutes)

All run in one process on one thread, in turns, so that whatever else the machine does hits them
alike. Times are the processor's, which on a quiet machine are those of the clock. A step draws its
tasks, adapts, differentiates and makes Adam's step. Writes results/bench_sine.json.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch

from benchmarks.sine_steps import MAKERS, Step
from maml_edu.cli.table import table
from maml_edu.learners import MAML
from maml_edu.models import mlp
from maml_edu.outer import meta_train
from maml_edu.recipe import sine_recipe
from maml_edu.report import hardware, measure, versions
from maml_edu.tasks import SinusoidTasks, TaskBatch

META_BATCH, SHOTS, QUERIES = 25, 10, 10
BLOCK = 0.3  # seconds that each contender runs before the next has its turn
BARS = {"higher": 8, "loop": 4}  # times as fast as these
QUALITY = {1: 0.64, 5: 0.38, 10: 0.34}  # mean query error by inner step, at most
SECONDS = 20  # at most, to that quality
RESULT = Path(__file__).parent.parent / "results" / "bench_sine.json"


def draw(generator: torch.Generator) -> TaskBatch:
    return SinusoidTasks().sample(META_BATCH, shots=SHOTS, queries=QUERIES, generator=generator)


def contenders(inner_steps: int) -> dict[str, Step]:
    """One step function each, all from the same theta; they must agree on where they go."""
    learner = MAML(mlp(1, 40, 40, 1), inner_steps=inner_steps)
    theta = learner.model.init(generator=torch.Generator().manual_seed(0))
    batch = draw(torch.Generator().manual_seed(1))
    steps = {name: make(learner, theta, batch) for name, make in MAKERS.items()}
    for _ in range(3):  # the losses agree after steps on the same tasks only if the gradients do
        losses = torch.stack([step(batch) for step in steps.values()])
        torch.testing.assert_close(losses, losses[:1].expand_as(losses), rtol=1e-4, atol=1e-5)
    return steps


def rate(step: Step, n_steps: int, generator: torch.Generator) -> float:
    """Meta-steps a second of processor time."""
    began = time.process_time()
    for _ in range(n_steps):
        step(draw(generator))
    return n_steps / (time.process_time() - began)


def race(inner_steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """The median rate of each contender, and of ours over its, round by round."""
    steps = contenders(inner_steps)
    generator = torch.Generator().manual_seed(2)
    counts = {name: max(1, int(BLOCK * rate(step, 3, generator))) for name, step in steps.items()}
    rates = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            rates[name].append(rate(step, counts[name], generator))
    print(f"\n{inner_steps} inner step(s): meta-steps/s, and how many times as fast maml_edu is")
    result = {}
    for name in steps:
        ratios = [a / b for a, b in zip(rates["maml_edu"], rates[name], strict=True)]
        result[name] = {
            "meta_steps_per_s": round(median(rates[name]), 1),
            "maml_edu_is_times_as_fast": round(median(ratios), 2),
            "lowest": round(min(ratios), 2),
            "highest": round(max(ratios), 2),
        }
        bar = BARS.get(name)
        verdict = "" if bar is None else f"   at least {bar}: {_yes(median(ratios) >= bar)}"
        print(f"  {name:<16}{median(rates[name]):>8.1f}{median(ratios):>8.2f}{verdict}")
    return result


def time_to_quality() -> dict:
    """Train as `train sine` does, and measure on 10,000 tasks."""
    recipe = sine_recipe("maml")
    clock, processor = time.perf_counter(), time.process_time()
    *_, last = meta_train(recipe.make_learner(), recipe.make_tasks(), every=1000, **recipe.training)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    figures = measure(recipe, last.theta, n_tasks=10_000)
    means = {step: figures["by_inner_step"][step]["mean"] for step in QUALITY}
    good = all(means[step] is not None and means[step] <= QUALITY[step] for step in QUALITY)
    print(f"\nTraining with the defaults: {clock:.1f} s, {processor:.1f} s of processor time")
    print(table(figures))
    print(f"  at most {QUALITY}: {_yes(good)}; at most {SECONDS} s: {_yes(processor <= SECONDS)}")
    return {
        "config": recipe.as_json(),
        "seconds": round(clock, 1),
        "cpu_seconds": round(processor, 1),
        "figures": figures,
    }


def _yes(holds: bool) -> str:
    return "yes" if holds else "NO"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_sine", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender")
    parser.add_argument("--out", type=Path, default=RESULT, help="where to write the record")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    setting = {"meta_batch": META_BATCH, "shots": SHOTS, "queries": QUERIES, "rounds": args.rounds}
    record = {
        "command": f"python -m benchmarks.bench_sine --rounds {args.rounds}",
        "setting": setting,
        "speed": {f"{k} inner steps": race(k, args.rounds) for k in (1, 5)},
        "time_to_quality": time_to_quality(),
        "versions": {**versions(), "higher": version("higher")},
        "hardware": hardware(),
    }
    args.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
