"""Every learner side by side with the same budget: sine waves, and Omniglot 5-way 1- and 5-shot.

    python -m benchmarks.family              (about an hour on one core; writes results/family.json)
    python -m benchmarks.family --only maml protonet --budget 30

All learners have the same tasks, network, Adam and cosine, and the same budget of processor time:
what a learner saves on a step, it spends on more of them. How many steps the budget holds is
measured first, by the quickest of several, because a busy machine makes all steps slower, but never
quicker; the table names them.

On sine waves all begin with fresh weights. On Omniglot a minute of one core is too little for that,
so all go on from one body: the features of a longer training (64-way 1-shot ANIL, START, 25
minutes), with a head of zeros where they have one. It is the pipeline of pre-training and then
meta-training, and brings most near the papers' figures.

Learners are tested on 600 new tasks (of the test characters, turned as in training), the same for
all, after as many inner steps as they were trained with (on sine waves, after up to 10), with
batch-norm by two protocols. Rows that the table holds already, with the same settings, are kept:
stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from maml_edu.foundation.files import write_whole
from maml_edu.learners import LEARNERS
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.runs.checkpoint import Checkpoint, load
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, hardware, measure, versions
from maml_edu.runs.training_state import start_from
from maml_edu.tasks.data import load_drawings

RESULT = Path(__file__).parent.parent / "results" / "family.json"
PROTOCOLS = ("transductive", "support-only")
SINE_STEPS = (0, 1, 5, 10)  # that are printed
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
START = Path("runs/omniglot-anil-conv4-64way-1shot")  # a run; its command stands in the table
MAKE_START = (
    "python -m maml_edu train omniglot --learner anil --way 64 --queries 4 --meta-batch 1 "
    "--inner-lr 64 --inner-steps 1 --learned-rates --meta-lr 3e-3 --schedule cosine --warmup .05 "
    "--steps 20000 --precision bfloat16 --validate-every 20000"
)
# What each learner needs to do well on Omniglot.
# Features that are there already should move little, and their head of zeros far: it takes a rate
# of about ways times the features' scale to separate the classes in a step.
FINE = {"inner_lr": 0.003, "head_lr": 30.0}
# A first-order gradient takes the Jacobian I - head_lr * H of the head's step to be I. Once
# head_lr * H exceeds 1 the truth has the other sign: measured on this body, the cosine of the two
# heads' gradients is -0.81 at a rate of 30, -0.54 at 10, and +0.98 at 3.
SMALL = {"inner_lr": 0.003, "head_lr": 3.0}
GO_ON: dict[str, dict[str, Any]] = {
    "maml": FINE,
    "fomaml": SMALL,
    "maml++": {**FINE, "inner_steps": 3},
    "meta-sgd": FINE,
    "protomaml": {"inner_lr": 0.003, "head_lr": 0.03},
    # iMAML's gradient holds at the minimum alone. A pull of 1 makes it near: 16 steps leave a few
    # per cent of the head's slope and a third to all of the body's, where 0.1 left the body's all.
    "imaml": {"inner_lr": 0.3, "head_lr": 1.0, "inner_steps": 16, "strength": 1.0},
    "reptile": {"inner_lr": 0.003, "head_lr": 3.0, "inner_steps": 5},
    "anil": {"inner_lr": 30.0},
    "pretrain": FINE,
}
# iMAML's gradient does not see the way to the minimum, so nothing keeps it from making the support
# loss steeper (H from 70 to 160 within 200 steps at meta_lr 3e-3) until inner_lr * (H + strength)
# exceeds 2 and the inner loop itself diverges; inner_lr 0.01 allowed for an H of 150. The strength
# is above the steepest downward curvature (18), so that I + H / strength stays positive.
SINE_OWN: dict[str, dict[str, Any]] = {
    "anil": {"inner_lr": 0.02},
    "imaml": {"inner_lr": 0.0025, "strength": 50.0, "inner_steps": 16, "meta_lr": 1e-3},
    "maml++": {"inner_steps": 2, "rates_lr": 0.03},
}


def configs(name: str, seed: int, data: str, start: Checkpoint) -> list[TrainConfig]:
    made = []
    if not LEARNERS[name].needs_classes:
        how = {"seed": seed, "meta_lr": 3e-3, **TRAINING, **SINE_OWN.get(name, {})}
        made.append(TrainConfig.make("sine", learner=name, **how))
    if name == "joint":
        return made  # of classes dealt anew, the mean over tasks is a guess
    how = {"learner": name, "meta_batch": 16, "queries": 5, "seed": seed, "data": data, **TRAINING}
    how |= {"start": start.metadata["sha256"], "meta_lr": 3e-4}
    for own in [GO_ON.get(name, {})] + [FINE] * (name == "fomaml"):  # and once at MAML's rates
        made += [TrainConfig.make("omniglot", way=5, shots=n, **how, **own) for n in (1, 5)]
    if name == "imaml":  # to capture sixteen steps and a solver takes minutes, to run them seconds
        made[1:] = [with_training(config, capture=False) for config in made[1:]]
    return made


def with_training(config: TrainConfig, **changed: Any) -> TrainConfig:
    return replace(config, training=replace(config.training, **changed))


def training(config: TrainConfig, start: Checkpoint, drawings, every: int) -> Iterator[TrainState]:
    """The states of its training, from the one before any step on."""
    tasks, learner = config.make_tasks("train", drawings), config.make_learner()
    how: dict[str, Any] = {"every": every, "progress": True}
    if config.start:
        how["state"] = start_from(start.theta, learner, seed=config.training.seed)
        yield how["state"]
    yield from meta_train(learner, tasks, config.training, **how)


def seconds_per_step(config: TrainConfig, start: Checkpoint, drawings) -> float:
    """Processor seconds of a meta-step when nothing else disturbs it: the quickest of several."""
    each = 1 if config.tasks.name == "omniglot" else 50
    states = training(with_training(config, steps=10 * each), start, drawings, every=each)
    times = [time.process_time() for _ in states]
    return min(after - before for before, after in pairwise(times)) / each


def row_of(
    config: TrainConfig, start: Checkpoint, drawings, budget: float, n_tasks: int
) -> dict[str, Any]:
    classifies = config.tasks.name == "omniglot"
    seconds = budget if classifies else budget / 4  # sine waves need less
    pace = seconds_per_step(config, start, drawings) if budget else math.inf
    config = with_training(config, steps=max(1, math.floor(seconds / pace)) if budget else 0)
    row: dict[str, Any] = {"config": config.as_json(), "budget": budget, "tasks": n_tasks}
    row["seconds_per_step"] = round(pace, 5) if budget else None
    try:
        *_, last = training(config, start, drawings, every=max(1, config.training.steps))
    except Diverged as error:
        return {**row, "diverged": str(error)}
    hows = [Measurement(n_tasks)]
    if classifies:
        steps = config.learner.options.get("inner_steps")  # a metric learner has none
        hows = [Measurement(n_tasks, protocol=p, inner_steps=steps) for p in PROTOCOLS]
    row["figures"] = [measure(config, last.theta, how, source=drawings) for how in hows]
    return row


def same_run(row: dict[str, Any], config: TrainConfig, budget: float, n_tasks: int) -> bool:
    config = with_training(config, steps=row["config"]["training"]["steps"]).as_json()
    return (row["config"], row["budget"], row["tasks"]) == (config, budget, n_tasks)


def said(step: int, figure: dict[str, float | None]) -> str:
    if figure["mean"] is None:
        return f"{step}: not finite"
    return f"{step}: {figure['mean']:.4f} ± {figure['half_width']:.4f}"


def line(row: dict[str, Any]) -> str:
    config, cells = row["config"], [row.get("diverged", "")]
    for figures in row.get("figures", ()):
        by_step = figures["by_inner_step"]
        at = SINE_STEPS if config["tasks"]["name"] == "sine" else (0, len(by_step) - 1)
        cells += [said(step, by_step[step]) for step in at if step < len(by_step)]
    shot, steps = config["training"]["shots"], config["training"]["steps"]
    about = f"{config['learner']['name']:9} {config['tasks']['name']:9} {shot}-shot {steps:6} steps"
    return f"{about} {'  '.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=list(LEARNERS), default=list(LEARNERS))
    parser.add_argument(
        "--budget", type=float, default=45, help="processor seconds; a quarter: sine"
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tasks", type=int, default=600)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--start", type=Path, default=START, help="the run that has the body")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    print(drawings.source)
    if not args.start.exists():
        parser.error(f"there is no run {args.start}; this makes it, in 25 minutes: {MAKE_START}")
    start = load(args.start)
    data = "omniglot" if drawings.omniglot else "stand-in"
    known = json.loads(args.out.read_text())["rows"] if args.out.exists() else []
    wanted = [
        (config, args.budget)
        for seed in range(args.seeds)
        for name in args.only
        for config in configs(name, seed, data, start)
    ]
    if "anil" in args.only:  # and the start itself, without a step
        wanted += [(config, 0) for config in configs("anil", 0, data, start)]
    body = {key: start.metadata[key] for key in ("sha256", "config", "command", "cpu_seconds")}
    about = {"command": "python -m benchmarks.family", "start": body, "papers": PAPERS}
    rows = list(known)
    for number, (config, budget) in enumerate(wanted):
        found = [r for r in known if same_run(r, config, budget, args.tasks)]
        if not found:
            found = [row_of(config, start, drawings, budget, args.tasks)]
            rows += found
            table = {**about, "versions": versions(), "hardware": hardware(), "rows": rows}
            write_whole(args.out, (json.dumps(table, indent=1) + "\n").encode())
        print(f"{number + 1}/{len(wanted)} {line(found[0])}", flush=True)


if __name__ == "__main__":
    main()
