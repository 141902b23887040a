"""How far do three minutes on a laptop's two cores go? From nothing to 5-way 1-shot on Omniglot.

    python -m benchmarks.omniglot_quick      (three minutes, and one to measure; writes results/)

Two stages, timed together: ANIL on 64-way tasks, where only the head adapts, gives the features;
MAML goes on from them on the tasks themselves. The result is measured on test characters, 3 inner
steps, transductive. Training on a quiet machine is what the bar of 95% in 180 seconds is meant for.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from maml_edu.data import load_drawings
from maml_edu.outer import meta_train
from maml_edu.recipe import omniglot_recipe
from maml_edu.report import hardware, measure, versions
from maml_edu.train import start_from

RESULT = Path(__file__).parent.parent / "results" / "bench_omniglot.json"
FAST = {"warmup": 0.05, "schedule": "cosine", "learned_rates": True}
BODY = omniglot_recipe(
    64,
    1,
    learner="anil",
    queries=4,
    inner_lr=64,
    inner_steps=1,
    meta_batch=1,
    steps=2300,
    meta_lr=3e-3,
    precision="bfloat16",
    **FAST,
)
WHOLE = omniglot_recipe(
    5,
    1,
    queries=5,
    inner_lr=0.003,
    head_lr=30,
    inner_steps=3,
    meta_batch=8,
    steps=40,
    meta_lr=1e-4,
    rates_lr=0.05,
    **FAST,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, default=RESULT, help="where to write the record")
    args = parser.parse_args()
    torch.set_num_threads(2)
    drawings = load_drawings(args.data)
    print(drawings.source)
    began, theta, curve = (time.perf_counter(), time.process_time()), None, []
    for recipe in (BODY, WHOLE):
        learner = recipe.make_learner(training=True)
        start = start_from(theta, learner, seed=0) if theta else None
        tasks = recipe.make_tasks("train", drawings)
        how = {key: value for key, value in recipe.training.items() if key != "precision"}
        for state in meta_train(learner, tasks, state=start, every=50, **how):
            at = round(time.perf_counter() - began[0], 1)
            curve.append({"stage": recipe.title, "step": state.step, "seconds": at})
        theta = state.theta
        print(f"{recipe.title}: {recipe.training['steps']} steps, {at:.0f} s in all")
    seconds, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    figures = measure(WHOLE, theta, n_tasks=args.tasks, source=drawings)
    found = figures["by_inner_step"][3]
    print(f"{100 * found['mean']:.2f} ± {100 * found['half_width']:.2f}% after {seconds:.0f} s")
    record = {
        "command": "python -m benchmarks.omniglot_quick",
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "figures": figures,
        "curve": curve,
        "stages": [BODY.as_json(), WHOLE.as_json()],
        "versions": versions(),
        "hardware": hardware(),
    }
    args.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
