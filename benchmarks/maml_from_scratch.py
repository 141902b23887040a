"""Omniglot by MAML alone, from scratch, with the paper's fixed uniform rates: trained in turns.

    python -m benchmarks.maml_from_scratch                          (goes on with all, one by one)
    python -m benchmarks.maml_from_scratch conv4-5way-1shot --seed 0

Each run is a folder of results/runs/ with the state to resume from, its history and its best theta
so far, and may be stopped (Ctrl-C) and started again at any time: the result has the same bits. The
settings differ from the paper's in the length and the size of the meta-batch alone (Finn et al.
2017, appendix A.1: 60,000 steps of 32 tasks, or 16 above 10 ways, and as many queries as shots).
A model here bears the name of what trained it: no other method has touched its parameters.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from maml_edu.runs.config import TrainConfig
from maml_edu.runs.run import Run, RunOptions, Stopped
from maml_edu.runs.training_state import STATE_FILE
from maml_edu.tasks.data import load_drawings

RUNS = Path(__file__).parent.parent / "results" / "runs"
SCHEDULE = {"meta_lr": 2e-3, "schedule": "cosine", "warmup": 0.05, "queries": 5}
# The paper's inner rates and steps in training: .4 and one at 5 ways, .1 and five at 20.
FIVE_WAY = {"way": 5, "inner_lr": 0.4, "inner_steps": 1}
TWENTY_WAY = {"way": 20, "inner_lr": 0.1, "inner_steps": 5}
MODELS = {
    "conv4-5way-1shot": {**FIVE_WAY, "shots": 1, "meta_batch": 16, "steps": 20_000},
    "conv4-5way-5shot": {**FIVE_WAY, "shots": 5, "meta_batch": 8, "steps": 12_000},
    "conv4-20way-1shot": {**TWENTY_WAY, "shots": 1, "meta_batch": 4, "steps": 12_000},
    "conv4-20way-5shot": {**TWENTY_WAY, "shots": 5, "meta_batch": 2, "steps": 6_000},
    "dense4-5way-1shot": {
        **FIVE_WAY, "model": "dense4", "shots": 1, "meta_batch": 16, "steps": 15_000,
    },
    "dense4-5way-5shot": {
        **FIVE_WAY, "model": "dense4", "shots": 5, "meta_batch": 8, "steps": 12_000,
    },
}  # fmt: skip


def config_of(name: str, seed: int) -> TrainConfig:
    return TrainConfig.make("omniglot", **MODELS[name], **SCHEDULE, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    args = parser.parse_args()
    if unknown := set(args.models) - set(MODELS):
        parser.error(f"MODEL is {min(unknown)}; it must be one of {', '.join(MODELS)}")
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    if not drawings.omniglot:
        parser.error(f"these are not Omniglot's drawings: {drawings.source}")
    for name in args.models or MODELS:
        out = RUNS / f"maml-{name}-seed{args.seed}"
        command = f"python -m benchmarks.maml_from_scratch {name} --seed {args.seed}"
        options = RunOptions(save_every=500, validate_every=1000, progress=True)
        run = Run(config_of(name, args.seed), out, options, source=drawings, command=command)
        try:
            made = run.train(resume=(out / STATE_FILE).exists())
        except Stopped as stopped:
            print(f"{stopped}. To go on: {command}")
            return
        print(name, made.metadata["figures"]["by_inner_step"][-1])


if __name__ == "__main__":
    main()
