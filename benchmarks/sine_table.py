"""The sine table of the paper (Finn et al. 2017, appendix C), ours: several seeds of each learner.

    python -m benchmarks.sine_table           (some ten minutes; writes results/sine.json)

Every learner is trained with the defaults of `python -m maml_edu train sine` and adapts to 5 points
of each of 10,000 new tasks, the same for all. Joint training and the random initialisation are
fine-tuned both with the paper's step size and with the best of INNER_LRS, which is chosen on other
tasks, for each seed, by the error after 10 steps. Rows that the table holds already are kept:
stopped, it goes on where it was, and `--seeds 10` adds to five.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch

from maml_edu.foundation.files import write_whole
from maml_edu.runs.checkpoint import Checkpoint
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, hardware, measure, versions
from maml_edu.runs.run import Run, RunOptions

RESULT = Path(__file__).parent.parent / "results" / "sine.json"
SHOWN = (0, 1, 5, 10)  # inner steps
PAPER_LR = 0.01
INNER_LRS = (0.0003, 0.001, 0.003, 0.01, 0.02, 0.03)
CHOOSING = {"n_tasks": 2000, "seed": 77}
PAPER = {
    "source": "Finn, Abbeel & Levine 2017, arXiv 1703.03400, appendix C, 5-shot, 70,000 steps",
    "maml": {"1": {"mean": 0.67}, "5": {"mean": 0.38}, "10": {"mean": 0.35}},
    "joint": {"1": {"mean": 2.41}, "5": {"mean": 2.23}, "10": {"mean": 2.19}},
}


def configs(seed: int) -> dict[str, TrainConfig]:
    return {
        "maml": TrainConfig.make("sine", learner="maml", seed=seed),
        "joint": TrainConfig.make("sine", learner="joint", seed=seed),
        "random init": TrainConfig.make("sine", learner="joint", seed=seed, steps=0),
        "oracle": TrainConfig.make("sine", learner="oracle", seed=seed),
    }


def rows_of(name: str, made: Checkpoint, n_tasks: int) -> list[dict[str, Any]]:
    """The figures of one trained learner: with the paper's inner_lr, and with the best one."""
    rates = {"": PAPER_LR}
    if name in ("joint", "random init"):
        rates[", tuned"] = min(INNER_LRS, key=lambda rate: _error_after_10(made, rate))
    rows = []
    for suffix, rate in rates.items():
        figures = measure(made.config, made.theta, Measurement(n_tasks, inner_lr=rate))
        steps = figures["by_inner_step"]
        rows.append(
            {
                "learner": name + suffix,
                "seed": made.metadata["seed"],
                "inner_lr": rate,
                "by_inner_step": {str(k): steps[k] for k in SHOWN if k < len(steps)},
                "seconds": made.metadata["seconds"],
                "cpu_seconds": made.metadata["cpu_seconds"],
                "config": made.metadata["config"],
            }
        )
    return rows


def _error_after_10(made: Checkpoint, rate: float) -> float:
    figures = measure(made.config, made.theta, Measurement(inner_lr=rate, **CHOOSING))
    error = figures["by_inner_step"][10]["mean"]
    return float("inf") if error is None else error


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By learner and inner step: the mean over seeds, and the deviation between them."""
    table: dict[str, Any] = {}
    for name in dict.fromkeys(row["learner"] for row in rows):
        seeds = [row["by_inner_step"] for row in rows if row["learner"] == name]
        table[name] = {}
        for step in seeds[0]:
            means = [seed[step]["mean"] for seed in seeds]
            widths = [seed[step]["half_width"] for seed in seeds]
            whole = None not in means and None not in widths
            table[name][step] = {
                "mean": round(mean(means), 4) if whole else None,
                "half_width": round(max(widths), 4) if whole else None,  # of the widest seed
                "deviation_of_seeds": round(stdev(means), 4) if whole and len(means) > 1 else None,
            }
    return table


def known_rows(out: Path, n_tasks: int) -> list[dict[str, Any]]:
    """The rows that are there already, measured on as many tasks."""
    found = json.loads(out.read_text("utf-8")) if out.exists() else {"protocol": {"tasks": None}}
    return found["rows"] if found["protocol"]["tasks"] == n_tasks else []


def table_of(rows: list[dict[str, Any]], n_tasks: int) -> dict[str, Any]:
    return {
        "command": f"python -m benchmarks.sine_table --tasks {n_tasks}",
        "measure": "query mean squared error, mean over tasks and half-width of its 95% interval",
        "protocol": {"tasks": n_tasks, "shots": 5, "queries": 100, "seed": 1000},
        "paper": PAPER,
        "ours": summary(rows),
        "rows": rows,
        "versions": versions(),
        "hardware": hardware(),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sine_table", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many: 0, 1, 2, ...")
    parser.add_argument("--tasks", type=int, default=10_000, help="new tasks to measure on")
    parser.add_argument("--out", type=Path, default=RESULT, help="where to write the table")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = known_rows(args.out, args.tasks)
    for seed in range(args.seeds):
        for name, config in configs(seed).items():
            if any(row["config"] == config.as_json() for row in rows):
                continue
            with tempfile.TemporaryDirectory() as out:
                made = Run(config, out, RunOptions(n_tasks=2, progress=True)).train()
            for row in rows_of(name, made, args.tasks):
                rows.append(row)
                print(_line(row), flush=True)
            text = json.dumps(table_of(rows, args.tasks), indent=1, allow_nan=False) + "\n"
            write_whole(args.out, text.encode())


def _line(row: dict[str, Any]) -> str:
    cells = [
        "diverged" if f["mean"] is None else f"{f['mean']:.3f} ± {f['half_width']:.3f}"
        for f in row["by_inner_step"].values()
    ]
    about = f"{row['learner']:<20} seed {row['seed']}  inner_lr {row['inner_lr']:<7}"
    return about + "  ".join(cells)


if __name__ == "__main__":
    main()
