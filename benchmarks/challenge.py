"""The Omniglot challenge: networks trained on background alphabets alone, on Lake's own 20 runs.

    python -m benchmarks.challenge train [--seed 0]    train, or go on training; 50 core-minutes
    python -m benchmarks.challenge measure             all that is trained; results/challenge.json

A training is a folder of results/runs/, may be stopped (Ctrl-C), and goes on when started again.
No drawing of an evaluation alphabet is seen before `measure`: four background alphabets choose the
best state. `measure` writes a row for each training, for the course's other 20-way network, and for
several trainings of one length together, and keeps the rows of trainings that are not here.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from maml_edu.runs import checkpoint
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import hardware, versions
from maml_edu.runs.run import Run, RunOptions, Stopped
from maml_edu.runs.training_state import STATE_FILE
from maml_edu.tasks import AlphabetTasks, TaskBatch
from maml_edu.tasks.augment import Hand, warp
from maml_edu.tasks.challenge import lake_tasks
from maml_edu.tasks.data import Drawings, load_drawings

RESULTS = Path(__file__).parent.parent / "results"
RESULT, RUNS = RESULTS / "challenge.json", RESULTS / "runs"
STEPS = 40_000
SETTINGS = {"learner": "protonet", "precision": "bfloat16", "meta_lr": 0.005}
COMMAND = """python -m maml_edu train challenge --learner protonet --precision bfloat16 \
--meta-lr 0.005 --steps {steps} --seed {seed}"""
OTHER = "omniglot-anil-maml-conv4-20way-1shot"  # it was trained on evaluation characters
MORE_RUNS, SEED = 200, 2015
VIEWS = 8
HAND = Hand(turn=0.12, slant=0.1, stretch=0.08, shift=1.0, bend=0.0)  # of a further view
# Student's t for a 95% interval of the mean of so many alphabets.
STUDENT = {10: 2.262, 20: 2.093}
# Errors within alphabets, as papers report them. read: whether the figure was read again for this
# record, in an abstract or in the data's own repository; the others are as we remember the tables.
REPORTED = [
    ("people", 0.045, "Lake et al. 2015", True),
    ("BPL", 0.033, "Lake et al. 2015", True),
    ("a convolutional network", 0.135, "Lake et al. 2015", True),
    ("siamese network", 0.08, "Koch et al. 2015", False),
    ("attentive recurrent comparators", 0.015, "Shyam et al. 2017", True),
    ("recursive cortical network", 0.073, "Lake et al. 2019, table 1", False),
    ("prototypical network", 0.137, "Lake et al. 2019, table 1", False),
    ("variational homoencoder", 0.187, "Lake et al. 2019, table 1", False),
]

Logits = Callable[[TaskBatch], Tensor]  # one task -> (queries, way)


def train(drawings: Drawings, steps: int, seed: int) -> None:
    out = RUNS / f"challenge-protonet-{steps}steps-seed{seed}"
    config = TrainConfig.make("challenge", **SETTINGS, steps=steps, seed=seed)
    command = COMMAND.format(steps=steps, seed=seed)
    options = RunOptions(save_every=200, validate_every=1000, n_tasks=1000, progress=True)
    run = Run(config, out, options, source=drawings, command=command)
    try:
        made = run.train(resume=(out / STATE_FILE).exists())
    except Stopped as stopped:
        return print(f"{stopped}. Start it again to go on")
    print(made.metadata["figures"]["by_inner_step"][-1])


# Answers -----------------------------------------------------------------------------------------


def by_learner(made: checkpoint.Checkpoint, protocol: str) -> Logits:
    way = {"way": 20} if hasattr(made.learner, "way") else {}
    learner = replace(made.learner, protocol=protocol, **way)

    def logits(task: TaskBatch) -> Tensor:
        adapted = learner.adapt(made.theta, task.support, inner_steps=3)[-1]
        return learner.predict(adapted, task.query_x, task.support_x)

    return logits


def by_views(made: checkpoint.Checkpoint, views: int = VIEWS) -> Logits:
    """The mean features of several views of each drawing; batch-norm's statistics are those of the
    support set, view by view."""
    learner, theta = replace(made.learner, way=20), made.theta

    def logits(task: TaskBatch) -> Tensor:
        n = len(task.support_x)
        drawn = torch.cat([task.support_x, task.query_x])[:, 0]
        hands = (torch.Generator().manual_seed(view) for view in range(1, views))
        shown = [x[:, None] for x in (drawn, *(warp(drawn, hand, HAND) for hand in hands))]
        own = torch.stack([learner.model(theta, x[:n]) for x in shown]).mean(0)
        asked = torch.stack([learner.model(theta, x[n:], x[:n]) for x in shown]).mean(0)
        return learner.compare(asked, {**theta, **learner.remember(own, task.support_y)})

    return logits


def together(each: Sequence[Logits]) -> Logits:
    """The mean of several networks' probabilities."""
    return lambda task: torch.stack([logits(task).softmax(1) for logits in each]).mean(0)


# Figures -----------------------------------------------------------------------------------------


@torch.no_grad()
def error(logits: Logits, batch: TaskBatch, drawings: Drawings) -> dict[str, Any]:
    """The error, and half of its 95% interval over alphabets: runs of one alphabet share it."""
    tasks = [batch.task(i) for i in range(len(batch.query_y))]
    wrong = torch.stack([(logits(t).argmax(1) != t.query_y).double().mean() for t in tasks])
    names = [drawings.alphabets[i] for i in batch.info["character"][:, 0].tolist()]
    of_each = [wrong[[n == name for n in names]].mean() for name in sorted(set(names))]
    spread = torch.stack(of_each).std() / len(of_each) ** 0.5
    half = STUDENT[len(of_each)] * spread
    return {"error": round(wrong.mean().item(), 5), "half_width": round(half.item(), 5)}


def measure(drawings: Drawings) -> None:
    """Every trained network on Lake's runs and on more; one row each, written at once."""
    more = AlphabetTasks("test", 20, source=drawings).sample(
        MORE_RUNS, generator=torch.Generator().manual_seed(SEED)
    )
    batches = {"lake": lake_tasks(drawings), "more": more}

    def row(name: str, logits: Logits, parts: list[checkpoint.Checkpoint]) -> None:
        told = [one.metadata for one in parts]
        made = {"name": name, "commands": [one["command"] for one in told]}
        made["cpu_minutes"] = round(sum(cpu_seconds(one) for one in told) / 60, 1)
        made |= {on: error(logits, batch, drawings) for on, batch in batches.items()}
        print(made)
        add_row(made)

    other = checkpoint.load(OTHER)
    row("lesson 11's, which met the alphabets", by_learner(other, "support-only"), [other])
    groups: dict[str, list[checkpoint.Checkpoint]] = {}
    for folder in sorted(RUNS.glob("challenge-protonet-*")):
        if not (folder / f"{checkpoint.IN_A_RUN}.json").exists():
            continue  # not trained to its end
        made = checkpoint.load(folder)
        steps, seed = made.config.training.steps, made.config.training.seed
        groups.setdefault(f"{steps:,} steps", []).append(made)
        for protocol in ("support-only", "transductive"):
            row(f"{steps:,} steps, seed {seed}, {protocol}", by_learner(made, protocol), [made])
        row(f"{steps:,} steps, seed {seed}, {VIEWS} views", by_views(made), [made])
    for steps, parts in groups.items():
        if len(parts) > 1:
            name = f"{len(parts)} networks of {steps}, {VIEWS} views, together"
            row(name, together([by_views(one) for one in parts]), parts)


def cpu_seconds(metadata: dict[str, Any]) -> float:
    """Of the whole training, from the first start on."""
    before = metadata.get("started_from")
    return metadata.get("cpu_seconds", 0) + (cpu_seconds(before) if before else 0)


def add_row(row: dict[str, Any]) -> None:
    record = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {"rows": []}
    keys = "name", "error", "source", "read"
    record = {
        "command": "python -m benchmarks.challenge measure",
        "measure": "share of wrong answers, 20-way 1-shot within an alphabet; by default under "
        "batch-norm support-only; half of the 95% interval over alphabets",
        "data": "Omniglot; trained on 26 background alphabets, chosen on the other 4",
        "lake": "the 20 runs of Lake et al. (2015): 400 trials, 10 alphabets",
        "more_runs": MORE_RUNS,
        "more": f"{MORE_RUNS} runs of all 20 evaluation alphabets, seed {SEED}",
        "reported": [dict(zip(keys, one, strict=True)) for one in REPORTED],
        "versions": versions(),
        "hardware": hardware(),
        "rows": [*(r for r in record["rows"] if r["name"] != row["name"]), row],
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "measure"])
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of it (default: {STEPS:,})")
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--data", default="auto", help="where the drawings are")
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    if not drawings.omniglot:
        parser.error(f"these are not Omniglot's drawings: {drawings.source}")
    if args.what == "train":
        train(drawings, args.steps, args.seed)
    else:
        measure(drawings)


if __name__ == "__main__":
    main()
