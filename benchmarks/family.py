"""Every learner from scratch in the same time: Omniglot 5-way 1- and 5-shot, and sine waves.

    python -m benchmarks.family                  (writes results/family.json)
    python -m benchmarks.family --seeds 1 --settings sines --learners maml joint --budgets 4 16

A *row* is one training: a learner, in one setting, for one budget of core-seconds, with one seed.
Its step size falls to zero at the end of its own budget. What a learner saves on a step it spends
on more of them: how many the budget holds is measured once, by the quickest step of each tenth of a
short training, since a busy machine makes steps slower, never quicker. All seeds then take the same
number of steps, which stands in the row beside the core-seconds.

Before its first row a learner is *tuned*: each of its candidates (`family_grid`) trains for TUNING
core-seconds with a seed that no row has. The best on validation tasks, after the best number of
inner steps, is used for all of its rows. Test tasks are looked at once, when a row is done.

All learners are tested on the same tasks (of the test characters, turned as in training), before
adapting and after each inner step, with transductive batch-norm. A row's `gain` is paired by task:
how much better than its own start, after the chosen number of steps.

Each row is written at once, and rows that the record holds are kept: stopped, it goes on where it
was. `implementation` tells the code that a row was measured with.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import maml_edu
from benchmarks.family_grid import (
    NAMES,
    PAPERS,
    SETTINGS,
    Options,
    candidates,
    most_steps,
    rates_to_try,
)
from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.foundation.files import write_whole
from maml_edu.foundation.types import Theta
from maml_edu.learners.heads import resize_head
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import hardware, versions
from maml_edu.tasks.data import Drawings, load_drawings

RESULT = Path(__file__).parent.parent / "results" / "family.json"
BUDGETS = (4.0, 16.0, 64.0)  # core-seconds; some settings take a share of them
TUNING = 8.0  # core-seconds of each candidate
TUNING_SEED = 10_000  # no row has it
TASKS = {"validation": (100, 500), "test": (500, 1000)}  # how many, and the seed they come from
# Options of a training that a test does not share: it is of 5 ways, turned, for every learner.
AT_TRAINING = ("way", "shots", "queries", "meta_batch", "rotations", "capture")
PACED = 40  # steps that the pace is measured on

Row = dict[str, Any]


def config_of(setting: str, learner: str, options: Options, seed: int, steps: int) -> TrainConfig:
    made = {**SETTINGS[setting].options, **options, "seed": seed, "steps": steps}
    made |= {"schedule": "cosine", "warmup": 0.05}
    return TrainConfig.make(SETTINGS[setting].tasks, learner=learner, **made)


def states(config: TrainConfig, drawings: Drawings, every: int) -> Iterator[TrainState]:
    learner, tasks = config.make_learner(training=True), config.make_tasks("train", drawings)
    return meta_train(learner, tasks, config.training, every=every)


def seconds_per_step(setting: str, learner: str, options: Options, drawings: Drawings) -> float:
    """Core-seconds of a meta-step: the mean over a training's tenths of the quickest in each."""
    config = config_of(setting, learner, options, TUNING_SEED, PACED)
    clock = [time.process_time() for _ in states(config, drawings, every=1)]
    times = [after - before for before, after in pairwise(clock)]
    tenth = PACED // 10
    return sum(min(times[i : i + tenth]) for i in range(0, PACED, tenth)) / 10


def steps_within(setting: str, budget: float, pace: float) -> int:
    return max(1, int(budget * SETTINGS[setting].share / pace))


def trained(
    setting: str, learner: str, options: Options, seed: int, steps: int, drawings: Drawings
) -> tuple[Theta, float]:
    """theta for the test's number of ways, and the core-seconds of the training, with the capture
    of its first step."""
    config, began = config_of(setting, learner, options, seed, steps), time.process_time()
    *_, last = states(config, drawings, every=max(1, steps))
    seconds = round(time.process_time() - began, 1)
    if "way" not in options or config.learner_class.headless:
        return last.theta, seconds
    fewer = at_test(setting, learner, options).make_model()
    return resize_head(config.make_learner(), last.theta, fewer)[1], seconds


def at_test(setting: str, learner: str, options: Options) -> TrainConfig:
    options = {name: value for name, value in options.items() if name not in AT_TRAINING}
    return config_of(setting, learner, options, seed=0, steps=0)


def tested(
    setting: str, learner: str, options: Options, theta: Theta, split: str, drawings: Drawings
) -> Tensor:
    """Each task's accuracy (of sines, its error) before adapting and after each inner step,
    (tasks, steps + 1)."""
    its, (n_tasks, seed) = SETTINGS[setting], TASKS[split]
    config = at_test(setting, learner, options)
    sizes = {"shots": its.options["shots"], "queries": its.queries}
    generator = torch.Generator().manual_seed(seed)
    batch = config.make_tasks(split, drawings).sample(n_tasks, **sizes, generator=generator)
    how = {"inner_steps": most_steps(learner, its), "metric": accuracy if its.classifies else None}
    chunk = 10 if its.classifies else n_tasks
    return query_values(config.make_learner(), theta, batch, **how, chunk_size=chunk)


def figure(values: Tensor) -> dict[str, float | None]:
    """A mean and its half-width; null where it is not finite."""
    estimate = Estimate.of(values)
    pair = {"mean": estimate.mean, "half_width": estimate.half_width}
    return {name: round(x, 5) if math.isfinite(x) else None for name, x in pair.items()}


def best_step(setting: str, values: Tensor) -> tuple[float, int]:
    """How good the best inner step is (more is better), and which it is: the first of equals."""
    means = values.mean(0).nan_to_num(math.inf if not SETTINGS[setting].classifies else 0.0)
    score = means if SETTINGS[setting].classifies else -means
    return score.max().item(), int(score.argmax())


def tune(setting: str, learner: str, drawings: Drawings) -> Row:
    """Train each candidate for the same time; choose the best on validation."""
    its, tries = SETTINGS[setting], []
    allowed = candidates(learner, its)
    pace = seconds_per_step(setting, learner, allowed[0], drawings)
    steps = steps_within(setting, TUNING, pace)
    for options in allowed:
        one = {"options": options, "steps": steps}
        try:
            args = (setting, learner, options, TUNING_SEED, steps)
            theta, one["core_seconds"] = trained(*args, drawings)
        except Diverged as error:
            tries.append((-math.inf, one | {"diverged": str(error)}))
            continue
        for rates in rates_to_try(learner, its):
            values = tested(setting, learner, options | rates, theta, "validation", drawings)
            score, step = best_step(setting, values)
            curve = [figure(column)["mean"] for column in values.unbind(1)]
            tries.append((score, one | {"rates": rates, "inner_steps": step, "validation": curve}))
    best = max(range(len(tries)), key=lambda i: tries[i][0])
    return {"seconds_per_step": round(pace, 6), "candidates": [t for _, t in tries], "chosen": best}


def row_of(
    setting: str, learner: str, tuning: Row, budget: float, seed: int, drawings: Drawings
) -> Row:
    """Train with what the tuning chose, and test."""
    chosen = tuning["candidates"][tuning["chosen"]]
    options, step = chosen["options"], chosen["inner_steps"]
    steps = steps_within(setting, budget, tuning["seconds_per_step"])
    row: Row = {"steps": steps, "inner_steps": step}
    try:
        theta, row["core_seconds"] = trained(setting, learner, options, seed, steps, drawings)
    except Diverged as error:
        return row | {"diverged": str(error)}
    values = tested(setting, learner, options | chosen["rates"], theta, "test", drawings)
    sign = 1 if SETTINGS[setting].classifies else -1
    row["by_inner_step"] = [figure(column) for column in values.unbind(1)]
    row["gain"] = figure(sign * (values[:, step] - values[:, 0]))
    return row | {"by_task": [round(value, 4) for value in values[:, step].tolist()]}


def implementation() -> str:
    """A fingerprint of the package's code that trains and measures."""
    root = Path(maml_edu.__file__).parent
    files = [root / "inner.py", root / "outer.py", root / "evaluate.py"]
    for room in ("models", "learners", "tasks", "foundation"):
        files += sorted((root / room).glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def find(rows: list[Row], **key: Any) -> Row | None:
    return next((r for r in rows if all(r[name] == value for name, value in key.items())), None)


def written(table: Row) -> bytes:
    """JSON with a line for each row, so that a new row is a new line."""
    heads = [
        f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items() if not isinstance(v, list)
    ]
    lists = [
        f"{json.dumps(k)}: [\n" + ",\n".join(json.dumps(row) for row in v) + "\n]"
        for k, v in table.items()
        if isinstance(v, list)
    ]
    return ("{\n" + ",\n".join(heads + lists) + "\n}\n").encode()


def line(row: Row) -> str:
    told = f"{row['learner']:9} {row['setting']:12} {row['budget']:g} s, seed {row['seed']}:"
    if "diverged" in row:
        return f"{told} {row['diverged']}"
    steps = (f"{e['mean']:.4f} ± {e['half_width']:.4f}" for e in row["by_inner_step"])
    return f"{told} {row['steps']} steps, {row['core_seconds']} s; {', '.join(steps)}"


def core_minutes(todo: list[tuple], tuned: list[Row]) -> float:
    """About how long it takes, with half as much again for captures and tests."""
    seconds, seen = 0.0, set()
    for _, budget, setting, learner in todo:
        seconds += SETTINGS[setting].share * budget
        if not find(tuned, setting=setting, learner=learner) and (setting, learner) not in seen:
            seconds += (
                SETTINGS[setting].share * TUNING * len(candidates(learner, SETTINGS[setting]))
            )
            seen.add((setting, learner))
    return 1.5 * seconds / 60


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learners", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--settings", nargs="*", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--budgets", nargs="*", type=float, default=BUDGETS, help="core-seconds")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, default=RESULT)
    return parser.parse_args()


def main() -> None:
    args = arguments()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    print(drawings.source)
    data = "omniglot" if drawings.omniglot else "stand-in"
    known: Row = json.loads(args.out.read_text()) if args.out.exists() else {"data": data}
    if known["data"] != data:
        raise SystemExit(f"{args.out} was measured on {known['data']}, this is {data}: give --out")
    tuned, rows = known.get("tuned", []), known.get("rows", [])
    table = {"command": "python -m benchmarks.family", "data": data, "tuning_seconds": TUNING}
    table |= {"tasks": TASKS, "settings": {name: asdict(its) for name, its in SETTINGS.items()}}
    table |= {"papers": PAPERS, "hardware": hardware(), "tuned": tuned, "rows": rows}
    todo = [
        work
        for work in product(range(args.seeds), args.budgets, args.settings, args.learners)
        if candidates(work[3], SETTINGS[work[2]])
        and not find(rows, **dict(zip(("seed", "budget", "setting", "learner"), work, strict=True)))
    ]
    minutes = core_minutes(todo, tuned)
    print(
        f"{len(rows)} rows there, {len(todo)} to do: about {minutes:.0f} core-minutes", flush=True
    )
    made = {"implementation": implementation(), "versions": versions()}
    for number, (seed, budget, setting, learner) in enumerate(todo):
        key = {"setting": setting, "learner": learner}
        if (tuning := find(tuned, **key)) is None:
            tuning = {**key, **tune(setting, learner, drawings), **made}
            tuned.append(tuning)
            write_whole(args.out, written(table))
        key |= {"budget": budget, "seed": seed}
        row = {**key, **row_of(setting, learner, tuning, budget, seed, drawings), **made}
        rows.append(row)
        write_whole(args.out, written(table))
        print(f"{number + 1}/{len(todo)} {line(row)}", flush=True)


if __name__ == "__main__":
    main()
