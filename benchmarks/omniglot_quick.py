"""How far do three minutes on a laptop's two cores go, or 25? From nothing to 5-way 1-shot tasks.

    python -m benchmarks.omniglot_quick                  (three minutes, and two to measure)
    python -m benchmarks.omniglot_quick --minutes 25

Two stages, timed together: ANIL on 64-way tasks, where only the head adapts, gives the features;
a second learner goes on from them, on the tasks themselves. In three minutes that is MAML. With the
better features of 20 minutes it is ProtoMAML, whose heads begin at the prototypes. Omniglot then
needs no more: as the figures show, its inner steps change no answer.
The result is measured on test characters, with 3 inner steps, transductive.

The curve in the file is of validation characters, on the way; measuring stops the clock. The bars
(95% in 3 minutes, 98.7% in 25) are meant for a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from benchmarks.race import bar
from maml_edu.foundation.files import write_whole
from maml_edu.foundation.types import Theta
from maml_edu.outer import meta_train
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, hardware, measure, versions
from maml_edu.runs.training_state import start_from
from maml_edu.tasks.data import Drawings, load_drawings

RESULTS = Path(__file__).parent.parent / "results"
INNER_STEPS = 3  # in all that is measured
VALIDATION_TASKS = 200
FAST = {"warmup": 0.05, "schedule": "cosine"}


@dataclass(frozen=True)
class Course:
    """The stages of a training, how accurate it is to be, and the file of its figures.
    looks: how often the validation accuracy is measured in the first stage."""

    stages: tuple[TrainConfig, TrainConfig]
    accuracy: float
    file: str
    looks: int = 5


def features(steps: int) -> TrainConfig:
    how = {"learner": "anil", "inner_lr": 64, "inner_steps": 1, "learned_rates": True}
    how |= {"queries": 4, "meta_batch": 1, "steps": steps, "meta_lr": 3e-3}
    return TrainConfig.make("omniglot", way=64, precision="bfloat16", **how, **FAST)


def tasks(**how: Any) -> TrainConfig:
    return TrainConfig.make("omniglot", way=5, queries=5, inner_lr=0.003, **how, **FAST)


COURSES = {
    3: Course(
        (
            features(2300),
            tasks(
                head_lr=30,
                inner_steps=3,
                learned_rates=True,
                meta_batch=8,
                steps=40,
                meta_lr=1e-4,
                rates_lr=0.05,
            ),
        ),
        accuracy=0.95,
        file="bench_omniglot.json",
    ),
    25: Course(
        (
            features(20_000),
            tasks(
                learner="protomaml",
                head_lr=0.03,
                inner_steps=1,
                meta_batch=16,
                steps=60,
                meta_lr=1e-4,
            ),
        ),
        accuracy=0.987,
        file="bench_omniglot_long.json",
        looks=10,
    ),
}


class Clock:
    """Seconds by the clock and of the processor, without those in which something was measured."""

    def __init__(self):
        self.off = [0.0, 0.0]
        self.began = self._now()

    def _now(self) -> list[float]:
        return [time.perf_counter(), time.process_time()]

    def seconds(self) -> tuple[float, float]:
        parts = zip(self._now(), self.began, self.off, strict=True)
        wall, cpu = (now - began - off for now, began, off in parts)
        return wall, cpu

    def stopped(self, fn, *args, **how) -> Any:
        before = self._now()
        found = fn(*args, **how)
        self.off = [
            off + now - then for off, now, then in zip(self.off, self._now(), before, strict=True)
        ]
        return found


def accuracy(theta: Theta, config: TrainConfig, drawings: Drawings, **how: Any) -> dict[str, Any]:
    how = Measurement(inner_steps=INNER_STEPS, **how)
    return measure(config, theta, how, source=drawings)


def train(course: Course, drawings: Drawings) -> tuple[Theta, list[dict[str, Any]], Clock]:
    clock, curve, theta, last = Clock(), [], None, course.stages[-1]
    solver = last.make_learner()
    for config in course.stages:
        learner, steps = config.make_learner(training=True), config.training.steps
        start = start_from(theta, learner, seed=0) if theta else None
        every = steps // course.looks if config is course.stages[0] else steps
        batches, how = config.make_tasks("train", drawings), {"every": every, "progress": True}
        for state in meta_train(learner, batches, config.training, state=start, **how):
            if state.step == 0:
                continue
            wall, _ = clock.seconds()
            # In a stage before the last: of what the last one would begin with.
            reached = state if config is last else start_from(state.theta, solver, seed=0)
            look = {"split": "validation", "n_tasks": VALIDATION_TASKS}
            found = clock.stopped(accuracy, reached.theta, last, drawings, **look)
            found = found["by_inner_step"][INNER_STEPS]
            point = {"stage": config.title, "step": state.step, "seconds": round(wall, 1), **found}
            curve.append(point)
            tqdm.write(
                f"{config.title}, step {state.step}: {wall:.0f} s, "
                f"{100 * found['mean']:.2f} ± {100 * found['half_width']:.2f}% on validation tasks"
            )
        theta = state.theta
    return theta, curve, clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, choices=COURSES, default=3)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, help="where to write the figures (default: results/)")
    args = parser.parse_args()
    torch.set_num_threads(2)
    course = COURSES[args.minutes]
    drawings = load_drawings(args.data)
    print(drawings.source)
    theta, curve, clock = train(course, drawings)
    wall, cpu = clock.seconds()
    figures = accuracy(theta, course.stages[-1], drawings, n_tasks=args.tasks)
    found = figures["by_inner_step"][INNER_STEPS]
    print(f"{100 * found['mean']:.2f} ± {100 * found['half_width']:.2f}% after {wall:.0f} s")
    bars = [
        bar("accuracy on test characters", found["mean"], course.accuracy),
        bar("seconds of training", wall, 60 * args.minutes, at_most=True),
    ]
    found = {
        "command": f"python -m benchmarks.omniglot_quick --minutes {args.minutes}",
        "seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "bars": bars,
        "figures": figures,
        "curve": curve,
        "stages": [config.as_json() for config in course.stages],
        "versions": versions(),
        "hardware": hardware(),
    }
    write_whole(args.out or RESULTS / course.file, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
