"""MAML's cousins, and the ladder from MAML to MAML++, on sine waves: several seeds, paired waves.

    python -m benchmarks.sine_family    (half an hour on one core; writes results/sine_family.json)
    python -m benchmarks.sine_family --seeds 10                             (adds five more seeds)

All train on the same waves, 25 a step, 5 points to adapt to and 10 to be judged by, with the same
Adam (`TRAINING`), for each of LENGTHS. Learned rates have a step size of their own, RATES_LR.

Inner rates that are given, or that learned ones start from, are 0.01. A contender may have an
option `tuned`: it is the one of TRIED with which it errs least after `judged` inner steps, on
validation waves, with the seed CHOOSING, which is not used again, at the shorter length. The error
is that on 1,000 new waves, after each of ten inner steps; a gap is the mean over these waves of the
difference from another contender that was trained with the same seed. Stopped, it goes on where it
was: a row is one training.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from maml_edu.evaluate import Estimate, query_values
from maml_edu.foundation.files import write_whole
from maml_edu.foundation.types import Theta
from maml_edu.learners.maml import RATES as BY_LAYER
from maml_edu.learners.metasgd import ALPHA as BY_WEIGHT
from maml_edu.outer import Diverged, meta_train
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import hardware, versions

RESULT = Path(__file__).parent.parent / "results" / "sine_family.json"
LENGTHS = (1000, 4000)
TRAINING = {"meta_lr": 5e-3, "warmup": 0.05, "schedule": "cosine", "shots": 5, "queries": 10}
RATES_LR = 0.03  # of logarithms
TRIED = {
    "inner_lr": (0.003, 0.005, 0.01, 0.02, 0.03, 0.05),
    "rates_lr": (1e-4, 2e-4, 5e-4, 1e-3, 5e-3),  # of rates themselves: Meta-SGD's
}
CHOOSING = 100
VALIDATION, TEST = 77, 1000  # seeds of the waves


Chosen = tuple[tuple[str, float], ...]  # options and their values


@dataclass(frozen=True)
class Contender:
    """options: of the learner; against: who else's error is subtracted; tuned: which option is
    chosen, and judged: after which inner step; times: how many times as long it trains."""

    learner: str
    options: dict[str, Any] = field(default_factory=dict)
    against: tuple[str, ...] = ()
    tuned: str = ""
    judged: int = 5
    times: int = 1

    def config(self, steps: int, seed: int, chosen: Chosen = ()) -> TrainConfig:
        how = {**TRAINING, **self.options, "steps": steps * self.times, "seed": seed}
        return TrainConfig.make("sine", learner=self.learner, **how, **dict(chosen))


TWO = {"inner_steps": 2}
LEARNED = {**TWO, "rates_lr": RATES_LR}
CONTENDERS = {
    "MAML": Contender("maml"),
    "FOMAML": Contender("fomaml", against=("MAML",)),
    "FOMAML, twice as long": Contender("fomaml", against=("MAML",), times=2),
    "MAML, tuned": Contender("maml", tuned="inner_lr"),
    "FOMAML, tuned": Contender("fomaml", against=("MAML, tuned",), tuned="inner_lr"),
    "Reptile, all points, tuned": Contender("reptile", against=("MAML, tuned",), tuned="inner_lr"),
    "Reptile, minibatches, tuned": Contender(
        "reptile", {"minibatch": 5}, ("MAML, tuned", "Reptile, all points, tuned"), tuned="inner_lr"
    ),
    "ANIL, tuned": Contender("anil", against=("MAML, tuned",), tuned="inner_lr"),
    "joint, tuned": Contender("joint", against=("MAML, tuned",), tuned="inner_lr"),
    # The ladder. Each rung is compared with the one below it, and with the first.
    "MAML, 2 steps": Contender("maml", TWO),
    "+ the best single rate": Contender(
        "maml", TWO, ("MAML, 2 steps",), tuned="inner_lr", judged=2
    ),
    "+ a rate for each layer and step": Contender(
        "maml", {**LEARNED, "learned_rates": True}, ("MAML, 2 steps", "+ the best single rate")
    ),
    "+ a rate for each weight": Contender(
        "meta-sgd",
        TWO,
        ("MAML, 2 steps", "+ a rate for each layer and step"),
        tuned="rates_lr",
        judged=2,
    ),
    "+ a loss after each step": Contender(
        "maml",
        {**LEARNED, "learned_rates": True, "per_step_losses": True},
        ("MAML, 2 steps", "+ a rate for each layer and step"),
    ),
    "+ weights that move to the last": Contender(
        "maml++",
        {**LEARNED, "first_order_until": 0.0},
        ("MAML, 2 steps", "+ a loss after each step"),
    ),
    "+ first order at first": Contender(
        "maml++", LEARNED, ("MAML, 2 steps", "+ weights that move to the last")
    ),
}


@cache
def trained(name: str, steps: int, seed: int, chosen: Chosen) -> tuple[Theta | None, float]:
    """theta, or None where the training diverged, and the processor time of the training."""
    config, began = CONTENDERS[name].config(steps, seed, chosen), time.process_time()
    learner, tasks, length = config.make_learner(), config.make_tasks(), config.training.steps
    try:
        *_, last = meta_train(learner, tasks, config.training, every=length)
    except Diverged:
        return None, time.process_time() - began
    return last.theta, time.process_time() - began


def errors(name: str, steps: int, seed: int, chosen: Chosen, waves: int = TEST) -> Tensor:
    """The query error on each of 1,000 waves, by inner step: (1000, 11). nan where it diverged."""
    config = CONTENDERS[name].config(steps, seed, chosen)
    theta, _ = trained(name, steps, seed, chosen)
    if theta is None:
        return torch.full((1000, 11), math.nan)
    drawn = torch.Generator().manual_seed(waves)
    batch = config.make_tasks().sample(1000, shots=5, queries=100, generator=drawn)
    return query_values(config.make_learner(), theta, batch, inner_steps=10)


def figures(values: Tensor) -> list[list[float] | None]:
    """(waves, inner steps) -> the mean and the half-width of its interval by inner step, or None
    where they are not finite."""
    found = [Estimate.of(column) for column in values.unbind(1)]
    return [
        [round(one.mean, 4), round(one.half_width, 4)] if math.isfinite(one.half_width) else None
        for one in found
    ]


def learned(theta: Theta | None) -> dict[str, Any]:
    """The learned rates by layer: one for each step; of a layer's weights, their mean."""
    found = {}
    for name, p in (theta or {}).items():
        if name.startswith(BY_LAYER):
            found[name.removeprefix(BY_LAYER)] = [round(rate, 5) for rate in p.exp().tolist()]
        elif name.startswith(BY_WEIGHT):
            found[name.removeprefix(BY_WEIGHT)] = [round(p.mean().item(), 5)]
    return {"rates": found} if found else {}


class Table:
    """The rows of the record, in the file as soon as they are known."""

    def __init__(self, file: Path):
        self.file, self.rows = file, []
        if file.exists():
            found = json.loads(file.read_text("utf-8"))
            same = [name for name, about in found["contenders"].items() if about == told(name)]
            self.rows = [row for row in found["rows"] if row["contender"] in same]

    def find(self, **wanted: Any) -> dict[str, Any] | None:
        return next((row for row in self.rows if row.items() >= wanted.items()), None)

    def add(self, **row: Any) -> dict[str, Any]:
        self.rows.append(row)
        head = {
            "command": "python -m benchmarks.sine_family",
            "measure": "query error on 1,000 new waves: [mean, half of its 95% interval] by "
            "inner step, 0 to 10; gaps: of the difference, wave by wave",
            "training": TRAINING,
            "rates_lr": RATES_LR,
            "tried": TRIED,
            "versions": versions(),
            "hardware": hardware(),
            "contenders": {name: told(name) for name in CONTENDERS},
        }
        lines = ",\n".join(json.dumps(each) for each in self.rows)  # a line each: they are many
        whole = json.dumps(head, indent=1)[:-2] + f',\n "rows": [\n{lines}\n]\n}}\n'
        write_whole(self.file, whole.encode())
        return row

    def chosen(self, name: str) -> Chosen:
        """The inner rate of a contender, and its tuned option, which is chosen first."""
        option, step = CONTENDERS[name].tuned, CONTENDERS[name].judged
        if not option:
            return (("inner_lr", 0.01),)
        tried = {}
        for value in TRIED[option]:
            options = {"inner_lr": 0.01, option: value}
            about = {"contender": name, "steps": LENGTHS[0], "seed": CHOOSING, **options}
            row = self.find(**about)
            if row is None:
                values = errors(name, LENGTHS[0], CHOOSING, tuple(options.items()), VALIDATION)
                row = self.add(**about, validation=figures(values))
            tried[tuple(options.items())] = (row["validation"][step] or [math.inf])[0]
        return min(tried, key=tried.get)


def told(name: str) -> dict[str, Any]:
    """What a contender is, as the record has it."""
    about = CONTENDERS[name]
    config = about.config(LENGTHS[0], 0).as_json()["learner"]
    chosen = {about.tuned: f"chosen by step {about.judged}"} if about.tuned else {}
    return {**config, **chosen, "times": about.times, "against": list(about.against)}


def row_of(table: Table, name: str, steps: int, seed: int) -> dict[str, Any]:
    chosen = table.chosen(name)
    about = {"contender": name, "steps": steps, "seed": seed, **dict(chosen)}
    if row := table.find(**about):
        return row
    values = errors(name, steps, seed, chosen)
    gaps = {
        other: figures(values - errors(other, steps, seed, table.chosen(other)))
        for other in CONTENDERS[name].against
    }
    theta, seconds = trained(name, steps, seed, chosen)
    more = {"cpu_seconds": round(seconds, 1), **learned(theta)}
    return table.add(**about, by_inner_step=figures(values), gaps=gaps, **more)


def wanted(seeds: int, lengths: list[int]) -> Iterator[tuple[str, int, int]]:
    for steps in lengths:
        for seed in range(seeds):
            trained.cache_clear()
            yield from ((name, steps, seed) for name in CONTENDERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many: 0, 1, 2, ...")
    parser.add_argument("--lengths", type=int, nargs="*", default=LENGTHS, help="meta-steps")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(args.out)
    for name, steps, seed in wanted(args.seeds, args.lengths):
        row = row_of(table, name, steps, seed)
        shown = [row["by_inner_step"][step] for step in (1, 2, 5, 10)]
        cells = "  ".join("diverged" if s is None else f"{s[0]:.3f} ± {s[1]:.3f}" for s in shown)
        print(f"{steps:5} steps, seed {seed}, {name:34} {cells}", flush=True)


if __name__ == "__main__":
    main()
