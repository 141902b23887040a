"""`python -m maml_edu evaluate`."""

from __future__ import annotations

import argparse
import json

from maml_edu.learners import PROTOCOLS
from maml_edu.runs.cli.options import (
    UsageError,
    add_command,
    add_device,
    add_number,
    device_of,
    one_thread,
)
from maml_edu.runs.cli.table import table

DESCRIPTION = """\
Measure a checkpoint on tasks that it has not seen: the query error (of classifiers, the accuracy)
before adapting and after each inner step, with its 95% confidence interval over tasks.
"""
EPILOG = """\
CHECKPOINT is one that comes with the package (such as sine-maml), the folder of a run, or the
path of a .safetensors file with its .json beside it.

Examples:
  python -m maml_edu evaluate sine-maml
  python -m maml_edu evaluate runs/sine-maml --tasks 10000 --inner-steps 20 --json
  python -m maml_edu evaluate omniglot-conv4-5way-1shot --tasks 1000 --protocol support-only
"""
LIMITS = {
    "tasks": (2, 1_000_000),
    "shots": (1, 100_000),
    "queries": (1, 100_000),
    "inner_steps": (0, 1000),
    "seed": (0, 2**63 - 1),
}
MAX_POINTS = 20_000_000
SPLITS = ("train", "validation", "test")


def add(commands) -> None:
    parser = add_command(
        commands, "evaluate", "measure a checkpoint on new tasks", DESCRIPTION, EPILOG, run
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a name, a folder or a path")

    def option(flag: str, default: int | None, text: str) -> None:
        add_number(parser, flag, int, default, text)

    option("--tasks", 600, "how many new tasks")
    option("--shots", None, "support points, or drawings a character (default: 5, or as trained)")
    option("--queries", None, "query points (default: 100), or drawings (15; above 10 ways 5)")
    option("--inner-steps", None, "gradient steps (default: 10; oracle: 0; Omniglot: 3)")
    option("--seed", 1000, "the same seed gives the same tasks")
    parser.add_argument(
        "--protocol", choices=PROTOCOLS, help="batch-norm's (Omniglot; default: transductive)"
    )
    parser.add_argument(
        "--split", choices=SPLITS, help="whose characters (Omniglot; default: test)"
    )
    parser.add_argument(
        "--upright", action="store_true", default=None, help="no character turned (Omniglot)"
    )
    parser.add_argument("--data", metavar="SOURCE", help="the drawings' (Omniglot; default: auto)")
    add_device(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, all steps")


def run(args: argparse.Namespace, command: str) -> int:
    for name, (low, high) in LIMITS.items():
        value = getattr(args, name)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{name} is {value}; it must be a whole number from {low} to {high}")
    points = args.tasks * ((args.shots or 5) + (args.queries or 100))
    if points > MAX_POINTS:
        raise UsageError(
            f"tasks x (shots + queries) is {points:,}; it must be at most {MAX_POINTS:,}"
        )
    device = device_of(args.device)
    one_thread()
    from maml_edu.runs.checkpoint import load
    from maml_edu.runs.measure import measure

    checkpoint = load(args.checkpoint, device)
    names = {"protocol": args.protocol, "split": args.split, "upright": args.upright}
    names["source"] = args.data
    omniglot = {name: value for name, value in names.items() if value is not None}
    if omniglot and checkpoint.recipe.family != "omniglot":
        flags = ", ".join("--data" if name == "source" else f"--{name}" for name in omniglot)
        raise UsageError(f"{flags}: only for Omniglot; {args.checkpoint} is for sine waves")
    figures = measure(
        checkpoint.recipe,
        checkpoint.theta,
        inner_steps=args.inner_steps,
        shots=args.shots,
        queries=args.queries,
        n_tasks=args.tasks,
        seed=args.seed,
        device=device,
        **omniglot,
    )
    if args.json:
        about = {"checkpoint": args.checkpoint, "learner": checkpoint.recipe.title}
        print(json.dumps({**about, "command": command, "device": device, **figures}))
    else:
        print(f"{args.checkpoint}: {checkpoint.recipe.title}")
        print(table(figures))
    return 0
