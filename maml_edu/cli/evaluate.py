"""`python -m maml_edu evaluate`."""

from __future__ import annotations

import argparse
import json

from maml_edu.cli.options import UsageError, add_device, device_of, one_thread
from maml_edu.cli.table import table

DESCRIPTION = """\
Measure a checkpoint on tasks that it has not seen: the query error before adapting and after each
inner step, with its 95% confidence interval over tasks.
"""
EPILOG = """\
CHECKPOINT is one that comes with the package (sine-maml, sine-joint, sine-oracle), the folder of a
run, or the path of a .safetensors file with its .json beside it.

Examples:
  python -m maml_edu evaluate sine-maml
  python -m maml_edu evaluate runs/sine-maml --tasks 10000 --inner-steps 20 --json
"""
LIMITS = {
    "tasks": (2, 1_000_000),
    "shots": (1, 100_000),
    "queries": (1, 100_000),
    "inner_steps": (0, 1000),
    "seed": (0, 2**63 - 1),
}
MAX_POINTS = 20_000_000


def add(commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a checkpoint on new tasks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a name, a folder or a path")

    def option(flag: str, default: int | None, text: str) -> None:
        shown = "" if default is None else f" (default: {default})"
        parser.add_argument(flag, type=int, default=default, help=text + shown, metavar="N")

    option("--tasks", 600, "how many new tasks")
    option("--shots", 5, "support points of a task, to adapt to")
    option("--queries", 100, "query points of a task, to be judged on")
    option("--inner-steps", None, "gradient steps of adapting (default: 10; oracle: 0)")
    option("--seed", 1000, "the same seed gives the same tasks")
    add_device(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, all steps")


def run(args: argparse.Namespace, command: str) -> int:
    for name, (low, high) in LIMITS.items():
        value = getattr(args, name)
        if value is not None and not low <= value <= high:
            raise UsageError(f"{name} is {value}; it must be a whole number from {low} to {high}")
    if args.tasks * (args.shots + args.queries) > MAX_POINTS:
        raise UsageError(
            f"tasks x (shots + queries) is {args.tasks * (args.shots + args.queries):,}; "
            f"it must be at most {MAX_POINTS:,}"
        )
    device = device_of(args.device)
    one_thread()
    from maml_edu.checkpoint import load
    from maml_edu.report import measure

    checkpoint = load(args.checkpoint, device)
    figures = measure(
        checkpoint.recipe,
        checkpoint.theta,
        inner_steps=args.inner_steps,
        shots=args.shots,
        queries=args.queries,
        n_tasks=args.tasks,
        seed=args.seed,
        device=device,
    )
    if args.json:
        about = {"checkpoint": args.checkpoint, "learner": checkpoint.recipe.title}
        print(json.dumps({**about, "command": command, "device": device, **figures}))
    else:
        print(f"{args.checkpoint}: {checkpoint.recipe.title}")
        print(table(figures))
    return 0
