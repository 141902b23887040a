"""Every learner side by side: sine waves, and Omniglot 5-way 1- and 5-shot, with the same budget.

    python -m benchmarks.family              (about an hour on one core; writes results/family.json)
    python -m benchmarks.family --only maml protonet --budget 30

All start from fresh weights, on the same tasks, with the same network, Adam and a cosine, and stop
after the same processor time: what a learner saves on a step, it spends on more of them. How many
steps the budget holds is measured first, so the record names them. Learners are tested on 600 new
tasks (of the test characters), the same for all, after the inner steps that SHOWN names, with
batch-norm by two protocols. Rows that the record holds already, with the same settings, are kept:
stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import torch

from maml_edu.data import load_drawings
from maml_edu.learners import LEARNERS
from maml_edu.outer import Diverged, meta_train
from maml_edu.recipe import Recipe, omniglot_recipe, sine_recipe
from maml_edu.report import hardware, measure, versions
from maml_edu.safe_files import write_whole

RESULT = Path(__file__).parent.parent / "results" / "family.json"
PROTOCOLS = ("transductive", "support-only")
SHOWN = {"sinusoid": (0, 1, 5, 10), "omniglot": (0, 1, 3)}
TRAINING = {"warmup": 0.05, "schedule": "cosine"}
PAPERS = {
    "source": "per cent; Finn et al. 2017 (MAML), Nichol et al. 2018 (FOMAML, Reptile, "
    "transductive), Li et al. 2017 (Meta-SGD), Antoniou et al. 2019 (MAML++), Snell et al. 2017 "
    "(ProtoNet), Vinyals et al. 2016 (Matching), after their own, much longer, trainings",
    "maml": {"1": 98.7, "5": 99.9},
    "fomaml": {"1": 98.3, "5": 99.2},
    "reptile": {"1": 97.68, "5": 99.48},
    "meta-sgd": {"1": 99.53, "5": 99.93},
    "maml++": {"1": 99.47, "5": 99.93},
    "protonet": {"1": 98.8, "5": 99.7},
    "matching": {"1": 98.1, "5": 98.9},
}
# What each learner needs to do well, found in a few short trials on validation characters.
OWN_OMNIGLOT: dict[str, dict[str, Any]] = {
    "anil": {"inner_lr": 10.0},
    "reptile": {"inner_lr": 0.1},
    "maml++": {"inner_lr": 0.2, "inner_steps": 3},
    "imaml": {"inner_lr": 0.2, "inner_steps": 8},
    "pretrain": {"inner_lr": 0.4},
}
OWN_SINE: dict[str, dict[str, Any]] = {
    "anil": {"inner_lr": 0.02},
    "imaml": {"inner_lr": 0.01},
}


def recipes(name: str, seed: int, data: str) -> list[Recipe]:
    made = []
    if "sinusoid" in LEARNERS[name].families:
        made.append(sine_recipe(name, seed=seed, meta_lr=3e-3, **OWN_SINE.get(name, {})))
    if "omniglot" in LEARNERS[name].families and name != "joint":
        how = {"meta_batch": 16, "queries": 5, "meta_lr": 2e-3, "seed": seed, "data": data}
        own = {**TRAINING, **how, **OWN_OMNIGLOT.get(name, {})}
        made += [omniglot_recipe(5, shot, learner=name, **own) for shot in (1, 5)]
    return made


def with_steps(recipe: Recipe, steps: int) -> Recipe:
    return Recipe(**{**recipe.as_json(), "training": {**recipe.training, "steps": steps}})


def train(recipe: Recipe, drawings, steps: int) -> tuple[dict[str, torch.Tensor], float]:
    """theta, and the processor seconds that its steps took."""
    recipe = with_steps(recipe, steps)
    tasks = recipe.make_tasks("train", drawings)
    states = meta_train(recipe.make_learner(), tasks, every=steps, progress=True, **recipe.training)
    next(states)  # the start, before any step
    began = time.process_time()
    *_, last = states
    return last.theta, time.process_time() - began


def steps_within(recipe: Recipe, drawings, budget: float) -> int:
    """How many meta-steps the budget holds, by the pace of a short trial, less its beginning."""
    short, long = (6, 26) if recipe.family == "omniglot" else (50, 550)
    took = train(recipe, drawings, long)[1] - train(recipe, drawings, short)[1]
    return max(1, math.floor(budget * (long - short) / took))


def row_of(recipe: Recipe, drawings, budget: float, n_tasks: int) -> dict[str, Any]:
    classifies = recipe.family == "omniglot"
    seconds = budget if classifies else budget / 10  # sine waves need less
    recipe = with_steps(recipe, steps_within(recipe, drawings, seconds))
    row: dict[str, Any] = {"config": recipe.as_json(), "budget": budget, "tasks": n_tasks}
    try:
        theta, row["cpu_seconds"] = train(recipe, drawings, recipe.training["steps"])
    except Diverged as error:
        return {**row, "diverged": str(error)}
    hows = [{"protocol": p, "source": drawings} for p in PROTOCOLS] if classifies else [{}]
    row["figures"] = [measure(recipe, theta, n_tasks=n_tasks, **how) for how in hows]
    return row


def same_run(row: dict[str, Any], recipe: Recipe, budget: float, n_tasks: int) -> bool:
    config = with_steps(recipe, row["config"]["training"]["steps"]).as_json()
    return (row["config"], row["budget"], row["tasks"]) == (config, budget, n_tasks)


def line(row: dict[str, Any]) -> str:
    config, cells = row["config"], [row.get("diverged", "")]
    for figures in row.get("figures", ()):
        steps = figures["by_inner_step"]
        for step in SHOWN[config["tasks"]["name"]]:
            if step < len(steps) and steps[step]["mean"] is not None:
                cells.append(f"{step}: {steps[step]['mean']:.3f} ± {steps[step]['half_width']:.3f}")
    shot, steps = config["training"]["shots"], config["training"]["steps"]
    about = f"{config['learner']['name']:9} {config['tasks']['name']:9} {shot}-shot {steps:6} steps"
    return f"{about} {'  '.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(LEARNERS), default=list(LEARNERS))
    parser.add_argument("--budget", type=float, default=90, help="processor seconds; a tenth: sine")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    print(drawings.source)
    data = "omniglot" if drawings.omniglot else "stand-in"
    known = json.loads(args.out.read_text())["rows"] if args.out.exists() else []
    wanted = [r for s in range(args.seeds) for name in args.only for r in recipes(name, s, data)]
    about = {"command": "python -m benchmarks.family", "papers": PAPERS}
    rows = list(known)
    for number, recipe in enumerate(wanted):
        found = [r for r in known if same_run(r, recipe, args.budget, args.tasks)]
        if not found:
            found = [row_of(recipe, drawings, args.budget, args.tasks)]
            rows += found
            record = {**about, "versions": versions(), "hardware": hardware(), "rows": rows}
            write_whole(args.out, (json.dumps(record, indent=1) + "\n").encode())
        print(f"{number + 1}/{len(wanted)} {line(found[0])}", flush=True)


if __name__ == "__main__":
    main()
