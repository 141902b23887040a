"""`python -m maml_edu train omniglot`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from maml_edu.learners import PROTOCOLS
from maml_edu.runs.cli.options import (
    UsageError,
    add_command,
    add_compile,
    add_device,
    add_number,
    device_of,
    one_thread,
)
from maml_edu.runs.cli.training import TOGETHER, say, train
from maml_edu.runs.config import OMNIGLOT_LEARNERS, PRECISIONS, omniglot_config

HELP = "few-shot classification of Omniglot's characters (minutes to hours)"
DESCRIPTION = """\
Train on few-shot tasks of handwritten characters, as the MAML paper does (Finn et al. 2017, section
5.2), with its settings unless told others. The learners:

  maml      learns the parameters from which a few gradient steps go furthest
  protonet  learns features in which classes lie apart (Snell et al. 2017): a quick start for maml
"""
EPILOG = """\
The folder that --out names gets, while training goes on, the state to resume from and the best
model so far by its accuracy on the validation characters; in the end the last model, and the best
one measured on the test characters (checkpoint.safetensors and .json). Ctrl-C saves and stops.

Examples:
  python -m maml_edu train omniglot --way 5 --shot 1
  python -m maml_edu train omniglot --learned-rates --queries 5 --meta-batch 16 --meta-lr 2e-3 \\
      --schedule cosine --warmup 0.05 --steps 2000
  python -m maml_edu train omniglot --learner protonet --way 64 --queries 4 --meta-batch 1
  python -m maml_edu train omniglot --start runs/omniglot-protonet-conv4-64way-1shot
  python -m maml_edu evaluate runs/omniglot-maml-conv4-5way-1shot --protocol support-only

""" + TOGETHER.format(family="omniglot")


def add(families) -> None:
    parser = add_command(families, "omniglot", HELP, DESCRIPTION, EPILOG, run)

    option = partial(add_number, parser)

    option("--way", int, 5, "characters to tell apart in a task")
    option("--shot", int, 1, "drawings of each to adapt to")
    option("--queries", int, None, "drawings of each to be judged on (default: as many as --shot)")
    parser.add_argument(
        "--learner", choices=OMNIGLOT_LEARNERS, default="maml", help="default: maml"
    )
    parser.add_argument(
        "--model", choices=["conv4", "dense4"], default="conv4", help="default: conv4"
    )
    option("--steps", int, 60_000, "meta-steps: updates of the initialisation")
    option("--meta-batch", int, None, "tasks in each meta-step (default: 32; above 10 ways 16)")
    option("--inner-lr", float, None, "step size of adapting (default: 0.4; above 10 ways 0.1)")
    option("--head-lr", float, None, "step size of adapting the head (default: --inner-lr)")
    option("--inner-steps", int, None, "gradient steps of adapting (default: 1; above 10 ways 5)")
    option("--meta-lr", float, 1e-3, "Adam's highest step size")
    option("--rates-lr", float, None, "the same for --learned-rates (default: --meta-lr)")
    parser.add_argument(
        "--schedule", choices=["constant", "cosine"], default="constant", help="default: constant"
    )
    option("--warmup", float, 0.0, "the share of the steps in which Adam's step size first rises")
    option("--seed", int, 0, "the same seed on the CPU gives the same bits")
    option("--chunk-size", int, None, "tasks differentiated side by side (default: by their size)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, help="bfloat16: sooner, for anil and protonet on conv4"
    )
    parser.add_argument("--learned-rates", action="store_true", help="learn the inner step sizes")
    parser.add_argument(
        "--per-step-losses", action="store_true", help="minimise the loss after every inner step"
    )
    parser.add_argument(
        "--checkpointing", action="store_true", help="less memory for many inner steps, more time"
    )
    parser.add_argument("--first-order", action="store_true", help="leave out second derivatives")
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, help="batch-norm's while training (default: transductive)"
    )
    parser.add_argument("--start", metavar="CHECKPOINT", help="begin at another model's parameters")
    parser.add_argument(
        "--data",
        default="auto",
        metavar="SOURCE",
        help="auto, release, stand-in or a folder; see python -m maml_edu data (default: auto)",
    )
    option("--save-every", int, 500, "meta-steps between two saves of the state")
    option("--validate-every", int, 500, "meta-steps between two measurements on validation tasks")
    option("--tasks", int, 1000, "how many test tasks to measure the result on")
    add_compile(parser)
    add_device(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where to write (default: runs/omniglot-LEARNER-MODEL-Nway-Kshot)",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")


def run(args: argparse.Namespace, command: str) -> int:
    for name, low in (("save_every", 1), ("validate_every", 1), ("tasks", 2)):
        if getattr(args, name) < low:
            value = getattr(args, name)
            raise UsageError(f"{name} is {value}; it must be a whole number, {low} or more")
    _recipe(args, "omniglot", None)  # to refuse what cannot be before any work is done
    device = device_of(args.device)
    one_thread()
    from maml_edu.runs.checkpoint import load
    from maml_edu.tasks.data import load_drawings

    start = load(args.start) if args.start else None
    drawings = load_drawings(args.data)
    say(drawings.source)
    data = "omniglot" if drawings.omniglot else "stand-in"
    recipe = _recipe(args, data, start.record["sha256"] if start else None)
    kind = f"{args.learner}-{args.model}-{args.way}way-{args.shot}shot"
    out = args.out or Path("runs") / f"omniglot-{kind}"
    return train(
        recipe,
        out,
        command=command,
        device=device,
        resume=args.resume,
        save_every=args.save_every,
        n_tasks=args.tasks,
        source=drawings,
        start=start,
        validate_every=args.validate_every,
    )


def _recipe(args: argparse.Namespace, data: str, start: str | None):
    names = ("way", "shot", "model", "queries", "inner_lr", "inner_steps", "meta_batch", "steps")
    names += ("meta_lr", "warmup", "schedule", "seed", "chunk_size", "learner", "rates_lr")
    names += ("precision",)
    options = ("head_lr", "learned_rates", "per_step_losses", "first_order", "protocol")
    options += ("checkpointing",)
    given = {name: getattr(args, name) for name in (*names, *options)}
    given = {name: v for name, v in given.items() if name in names or v not in (None, False)}
    try:
        return omniglot_config(data=data, start=start, compiled=args.compile, **given)
    except ValueError as error:
        raise UsageError(str(error)) from None
