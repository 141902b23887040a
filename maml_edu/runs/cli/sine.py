"""`python -m maml_edu train sine`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from maml_edu.runs.cli.options import (
    UsageError,
    add_command,
    add_compile,
    add_device,
    add_number,
    device_of,
    one_thread,
)
from maml_edu.runs.cli.training import TOGETHER, train
from maml_edu.runs.config import SINE, SINE_LEARNERS, sine_config

HELP = "regression on sine waves (seconds on a laptop)"
DESCRIPTION = """\
Train on the sine waves of the MAML paper (Finn et al. 2017, section 5.1). Each task is one wave
with its own amplitude and phase, seen at a few points. The learners:

  maml    learns the parameters from which a few gradient steps go furthest
  joint   learns one network for all waves at once: the baseline
  oracle  joint, but told each wave's amplitude and phase: the best that could be hoped for
"""
EPILOG = """\
The folder that --out names gets the checkpoint (checkpoint.safetensors and .json) and, while
training goes on, the state to resume from. Ctrl-C saves the state and stops.

Examples:
  python -m maml_edu train sine
  python -m maml_edu train sine --learner joint --seed 1 --out runs/joint-1
  python -m maml_edu train sine --resume          (repeat the options of the first time)
  python -m maml_edu evaluate runs/sine-maml

""" + TOGETHER.format(family="sine")


def add(families) -> None:
    parser = add_command(families, "sine", HELP, DESCRIPTION, EPILOG, run)

    option = partial(add_number, parser)

    parser.add_argument("--learner", choices=SINE_LEARNERS, default="maml", help="default: maml")
    option("--steps", int, SINE["steps"], "meta-steps: updates of the initialisation")
    option("--meta-batch", int, SINE["meta_batch"], "tasks in each meta-step")
    option("--shots", int, SINE["shots"], "support points of a task, to adapt to")
    option("--queries", int, SINE["queries"], "query points of a task, to be judged on")
    option("--inner-lr", float, 0.01, "step size of adapting")
    option("--inner-steps", int, None, "gradient steps of adapting (default: 1; oracle: 0)")
    option("--meta-lr", float, SINE["meta_lr"], "Adam's highest step size; it falls to 0")
    option("--warmup", float, SINE["warmup"], "the share of the steps in which it first rises")
    option("--seed", int, SINE["seed"], "the same seed on the CPU gives the same bits")
    option("--save-every", int, 1000, "meta-steps between two saves of the state")
    parser.add_argument("--first-order", action="store_true", help="leave out second derivatives")
    parser.add_argument(
        "--no-replay", action="store_true", help="run every meta-step anew: same numbers, slower"
    )
    add_compile(parser)
    add_device(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to write (default: runs/sine-LEARNER)"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")


def run(args: argparse.Namespace, command: str) -> int:
    recipe = _recipe(args)
    if args.save_every < 1:
        raise UsageError(f"save_every is {args.save_every}; it must be a whole number, 1 or more")
    device = device_of(args.device)
    out = args.out or Path("runs") / f"sine-{args.learner}"
    one_thread()
    return train(
        recipe,
        out,
        command=command,
        device=device,
        resume=args.resume,
        save_every=args.save_every,
    )


def _recipe(args: argparse.Namespace):
    names = ("learner", "inner_lr", "first_order", *SINE)
    given = {name: getattr(args, name) for name in names}
    if args.inner_steps is not None:
        if args.learner == "oracle" and args.inner_steps:
            raise UsageError(f"--inner-steps is {args.inner_steps}; the oracle does not adapt: 0")
        given["inner_steps"] = args.inner_steps
    if args.compile:
        given["compiled"] = True
    try:
        return sine_config(replay=not args.no_replay, **given)
    except ValueError as error:
        raise UsageError(str(error)) from None
