"""How many tasks does meta-learning need, and what if their labels are not dealt anew?

    python -m benchmarks.how_many_tasks --choose  (three minutes on one core: Adam's step size)
    python -m benchmarks.how_many_tasks           (half an hour; writes results/how_many_tasks.json)

5-way 1-shot Omniglot, all characters upright, so that a character is a class. Every row is one
training: the same number of steps, of the same numbers of tasks and drawings, from the same start
for the same seed, which also says which characters are kept. What differs is the learner, how many
characters there are, whether each keeps its label (`labels`), how many different tasks are made of
them, and how many drawings (`hands`) there are of each. The network is conv4 with 16 channels, a
quarter of the paper's, and the training is short: the figures are to be compared with each other,
not with other tables.

Each row is measured on the same tasks of test characters, under labels dealt anew (`unseen`), and
on tasks as it was trained on (`home`). Where these had fixed labels, also on the training
characters under labels dealt anew (`home dealt`). Before adapting and after each inner step,
transductive. `right` has, of each unseen task, how many of the 25 queries are right in the end.

Adam's step size of each learner is the one of META_LR's with which it is right most often on
validation characters, trained on all characters (`choice` in the table).

On sine waves: one training for each number of waves, its error on new waves and on its own.

Rows that the table holds already are kept, and each is written as it is done: stopped, it goes on
where it was. All rows of a seed come before those of the next.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from maml_edu.evaluate import Estimate, Evaluation, accuracy, evaluate, query_values
from maml_edu.foundation.files import write_whole
from maml_edu.foundation.types import Theta
from maml_edu.learners import MAML, Learner, ProtoNet
from maml_edu.models import conv4, mlp
from maml_edu.outer import Training, meta_train
from maml_edu.runs.measure import hardware, versions
from maml_edu.tasks import FiniteTasks, OmniglotTasks, SinusoidTasks, TaskBatch, TaskSource
from maml_edu.tasks.data import Drawings, load_drawings

RESULT = Path(__file__).parent.parent / "results" / "how_many_tasks.json"
CHARACTERS = (10, 25, 60, 150, 400, 1100)
WAVES = (1, 2, 5, 10, 50, 1000)
CHANNELS, INNER_LR = 16, 0.4
META_LR = (2e-3, 5e-3, 1e-2, 2e-2)
TRAINING = {"steps": 500, "meta_batch": 4, "shots": 1, "queries": 5}
CHOICE_SEED = 100
MEASURED = {"n_tasks": 300, "shots": 1, "queries": 5, "inner_steps": 3, "seed": 1000}
SINE = {"steps": 2000, "meta_batch": 25, "shots": 5, "queries": 10}
SINE_MEASURED = {"n_tasks": 1000, "shots": 5, "queries": 50, "inner_steps": 1, "seed": 1000}


class OneRow(MAML):
    """MAML whose inner steps start from a head with one row for all classes, the mean of theta's
    (as in Ye & Chao 2022, arXiv 2106.16245): before adapting, no class can be preferred."""

    def start(self, parameters, support):
        of_head = {n: p for n, p in parameters.items() if n.startswith("head.")}
        return parameters | {n: p.mean(0, keepdim=True).expand_as(p) for n, p in of_head.items()}


@dataclass(frozen=True)
class Plan:
    """One row. characters: how many (waves, on sine waves). tasks: how many different ones
    (None: all there are). hands: how many drawings of each character."""

    family: str
    learner: str
    characters: int
    labels: str = "dealt"
    tasks: int | None = None
    hands: int = 20
    seed: int = 0


def plans(seed: int) -> Iterator[Plan]:
    """All rows of one seed, the most wanted first."""
    for n in WAVES:
        yield Plan("sine", "maml", n, seed=seed)
    for labels in ("dealt", "fixed"):
        for n in CHARACTERS:
            yield Plan("omniglot", "maml", n, labels, seed=seed)
    for n in CHARACTERS:
        yield Plan("omniglot", "protonet", n, seed=seed)
    for n in (10, 60, 1100):
        yield Plan("omniglot", "one-row maml", n, "fixed", seed=seed)
    yield Plan("omniglot", "protonet", 60, "fixed", seed=seed)
    for tasks in (30, 150, 1000):
        yield Plan("omniglot", "maml", 150, tasks=tasks, seed=seed)
    for characters, hands in ((1100, 6), (330, 20)):
        yield Plan("omniglot", "maml", characters, hands=hands, seed=seed)


def learner_of(plan: Plan) -> Learner:
    if plan.family == "sine":
        return MAML(mlp(1, 40, 40, 1), inner_lr=0.01)
    if plan.learner == "protonet":
        return ProtoNet(conv4(None, channels=CHANNELS))
    kind = OneRow if plan.learner == "one-row maml" else MAML
    return kind(conv4(5, channels=CHANNELS), cross_entropy, inner_lr=INNER_LR)


def tasks_of(plan: Plan, drawings: Drawings, labels: str) -> TaskSource:
    if plan.family == "sine":
        return FiniteTasks(SinusoidTasks(), plan.characters, seed=plan.seed)
    fewer = replace(drawings, images=drawings.images[:, : plan.hands])
    source = OmniglotTasks(
        "train",
        rotations=False,
        source=fewer,
        n_characters=min(plan.characters, len(OmniglotTasks(source=drawings).characters)),
        subset=plan.seed,
        fixed_labels=labels == "fixed",
    )
    return FiniteTasks(source, plan.tasks, seed=plan.seed) if plan.tasks else source


def trained(plan: Plan, tasks: TaskSource, meta_lr: float) -> tuple[Learner, Theta, float]:
    """The learner, its theta, and the processor seconds of the training."""
    learner, settings = learner_of(plan), SINE if plan.family == "sine" else TRAINING
    training = Training(**settings, meta_lr=meta_lr, seed=plan.seed)
    began = time.process_time()
    *_, last = meta_train(learner, tasks, training, every=training.steps)
    return learner, last.theta, round(time.process_time() - began, 1)


def choose(drawings: Drawings, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How often each learner is right on validation characters, for each of META_LR."""
    how = Evaluation(**MEASURED, metric=accuracy, chunk_size=10, batch_size=50)
    found = list(known)
    for name in ("maml", "protonet", "one-row maml"):
        for meta_lr in META_LR:
            if any((row["learner"], row["meta_lr"]) == (name, meta_lr) for row in known):
                continue
            plan = Plan("omniglot", name, max(CHARACTERS), seed=CHOICE_SEED)
            learner, theta, seconds = trained(plan, tasks_of(plan, drawings, "dealt"), meta_lr)
            checked = evaluate(learner, theta, OmniglotTasks("validation", source=drawings), how)
            row = {"learner": name, "meta_lr": meta_lr, "cpu_seconds": seconds}
            found.append(row | {"accuracy": numbers(checked[-1])})
            print(found[-1], flush=True)
    return found


def chosen(choice: list[dict[str, Any]], plan: Plan) -> float:
    """The step size of a row's learner."""
    if plan.family == "sine":
        return 5e-3
    own = [row for row in choice if row["learner"] == plan.learner]
    return max(own, key=lambda row: row["accuracy"]["mean"])["meta_lr"]


def own_rate(table: dict[str, Any], row: dict[str, Any]) -> float:
    """The step size that a row must have been trained with: not one of an earlier choice."""
    names = (field.name for field in fields(Plan))
    return chosen(table["choice"], Plan(**{name: row[name] for name in names}))


@cache
def unseen_tasks(drawings: Drawings) -> TaskBatch:
    return drawn(OmniglotTasks("test", source=drawings))


def drawn(tasks: TaskSource) -> TaskBatch:
    sizes = {name: MEASURED[name] for name in ("n_tasks", "shots", "queries")}
    generator = torch.Generator().manual_seed(MEASURED["seed"])
    return tasks.sample(**sizes, generator=generator)


def numbers(estimate: Estimate) -> dict[str, float]:
    return {"mean": round(estimate.mean, 5), "half_width": round(estimate.half_width, 5)}


def of_columns(values: Tensor) -> list[dict[str, float]]:
    return [numbers(Estimate.of(column)) for column in values.unbind(1)]


def measured(plan: Plan, learner: Learner, theta, home: TaskSource, drawings) -> dict[str, Any]:
    if plan.family == "sine":
        how = Evaluation(**SINE_MEASURED)
        pairs = {"unseen": SinusoidTasks(), "home": home}
        found = {name: evaluate(learner, theta, of, how) for name, of in pairs.items()}
        return {name: [numbers(error) for error in errors] for name, errors in found.items()}
    batches = {"unseen": unseen_tasks(drawings), "home": drawn(home)}
    if plan.labels == "fixed":
        batches["home dealt"] = drawn(tasks_of(plan, drawings, "dealt"))
    how = {"inner_steps": MEASURED["inner_steps"], "metric": accuracy, "chunk_size": 10}
    found = {name: query_values(learner, theta, of, **how) for name, of in batches.items()}
    right = (25 * found["unseen"][:, -1]).round().int().tolist()
    figures = {name: of_columns(values) for name, values in found.items()}
    return figures | {"right": " ".join(map(str, right))}


def row_of(plan: Plan, drawings: Drawings, meta_lr: float) -> dict[str, Any]:
    home = tasks_of(plan, drawings, plan.labels)
    learner, theta, seconds = trained(plan, home, meta_lr)
    about = {**asdict(plan), "meta_lr": meta_lr, "cpu_seconds": seconds}
    return about | measured(plan, learner, theta, home, drawings)


def same(row: dict[str, Any], plan: Plan, meta_lr: float) -> bool:
    wanted = {**asdict(plan), "meta_lr": meta_lr}
    return all(row[name] == value for name, value in wanted.items())


def save(out: Path, table: dict[str, Any], drawings: Drawings) -> None:
    about: dict[str, Any] = {"command": "python -m benchmarks.how_many_tasks"}
    about["data"] = "Omniglot" if drawings.omniglot else "stand-in, not Omniglot"
    about |= {"network": f"conv4, {CHANNELS} channels", "inner_lr": INNER_LR}
    about |= {"training": TRAINING, "measured": MEASURED}
    about |= {"sine_training": SINE, "sine_measured": SINE_MEASURED}
    about |= {"versions": versions(), "hardware": hardware()}
    write_whole(out, (json.dumps(about | table, indent=1) + "\n").encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--choose", action="store_true", help="choose the step sizes anew, and stop"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    print(drawings.source)
    known = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
    table = {"choice": choose(drawings, known.get("choice", [])), "rows": known.get("rows", [])}
    table["rows"] = [row for row in table["rows"] if row["meta_lr"] == own_rate(table, row)]
    save(args.out, table, drawings)
    wanted = [] if args.choose else [plan for seed in range(args.seeds) for plan in plans(seed)]
    for number, plan in enumerate(wanted, start=1):
        meta_lr = chosen(table["choice"], plan)
        if not any(same(row, plan, meta_lr) for row in table["rows"]):
            row = row_of(plan, drawings, meta_lr)
            table["rows"].append(row)
            save(args.out, table, drawings)
            ends = ", ".join(f"{name} {row[name][-1]['mean']:.3f}" for name in ("home", "unseen"))
            print(f"{number}/{len(wanted)} {plan}: {ends}, {row['cpu_seconds']} s", flush=True)


if __name__ == "__main__":
    main()
