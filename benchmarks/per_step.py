"""Do per-step losses make five inner steps train more steadily? MAML on sine waves, ten seeds.

    python -m benchmarks.per_step        (four minutes on one core; writes results/per_step.json)

Antoniou, Edwards & Storkey (2019, arXiv 1810.09502) hold that a loss after the last inner step
alone makes MAML unstable, and a loss after each step steady. Both kinds are trained here from the
same starts on the same waves, with long steps (along half a cosine), and checked every 20
meta-steps on the same 300 waves, always by the error after the fifth step. A `setback` is the worst
check as a multiple of the best one before it, once a third of the training is done. Rows that
the record holds already are kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from maml_edu.evaluate import Estimate, Evaluation, evaluate
from maml_edu.foundation.files import write_whole
from maml_edu.learners import MAML
from maml_edu.models import mlp
from maml_edu.outer import Diverged, Training, meta_train
from maml_edu.runs.measure import hardware, versions
from maml_edu.tasks import SinusoidTasks

RESULT = Path(__file__).parent.parent / "results" / "per_step.json"
SEEDS, CHECKS, TESTED = 10, 300, 1000
LEARNER = {"inner_lr": 0.01, "inner_steps": 5}
TRAINING = {"steps": 600, "shots": 5, "queries": 10, "meta_batch": 25, "meta_lr": 0.01}


def numbers(estimate: Estimate) -> dict[str, float]:
    return {"mean": round(estimate.mean, 5), "half_width": round(estimate.half_width, 5)}


def setback(curve: list[float]) -> float:
    """The worst of the later checks, as a multiple of the best one before it."""
    later = range(len(curve) // 3, len(curve))
    return max(curve[at] / min(curve[:at]) for at in later)


def train(per_step: bool, seed: int, steps: int) -> dict[str, Any]:
    tasks = SinusoidTasks()
    learner = MAML(mlp(1, 40, 40, 1), **LEARNER, per_step_losses=per_step)
    row: dict[str, Any] = {"per_step_losses": per_step, "seed": seed, "diverged": None}
    training = Training(**{**TRAINING, "steps": steps}, seed=seed)
    look, checks = Evaluation(n_tasks=CHECKS, inner_steps=5, queries=50, seed=7), []
    try:
        for state in meta_train(learner, tasks, training, every=20):
            checks.append(evaluate(learner, state.theta, tasks, look)[-1])
    except Diverged as error:
        row["diverged"] = str(error)
    row["checks"] = [numbers(check) for check in checks]
    row["setback"] = round(setback([check.mean for check in checks]), 3)
    if not row["diverged"]:
        tested = evaluate(learner, state.theta, tasks, Evaluation(n_tasks=TESTED))
        row["by_inner_step"] = [numbers(error) for error in tested]
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=TRAINING["steps"])
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    training = {**TRAINING, "steps": args.steps}
    found = {"command": "python -m benchmarks.per_step", "learner": LEARNER}
    found |= {"training": training, "tested_on": TESTED}
    known = json.loads(args.out.read_text("utf-8")) if args.out.exists() else {}
    rows = known["rows"] if known.items() >= found.items() else []
    done = {(row["seed"], row["per_step_losses"]) for row in rows}
    for seed in range(SEEDS):
        for per_step in (False, True):
            if (seed, per_step) in done:
                continue
            rows.append(row := train(per_step, seed, args.steps))
            name = "each step" if per_step else "last step"
            error = row["by_inner_step"][5] if not row["diverged"] else row["diverged"]
            print(f"seed {seed}, loss after {name}: setback {row['setback']}, {error}", flush=True)
            record = {**found, "versions": versions(), "hardware": hardware(), "rows": rows}
            write_whole(args.out, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
