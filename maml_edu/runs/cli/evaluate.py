"""`python -m maml_edu evaluate CHECKPOINT`."""

from __future__ import annotations

import argparse
import json

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.options import options_of
from maml_edu.runs.checkpoint import load
from maml_edu.runs.cli.errors import UsageError
from maml_edu.runs.cli.flags import add_device, add_flags, device_of, given, one_thread
from maml_edu.runs.cli.table import table
from maml_edu.runs.measure import Measurement, measure

DESCRIPTION = """\
Measure a checkpoint on tasks that it has not seen: the query error (of classifiers, the accuracy)
before adapting and after each inner step, with its 95% confidence interval over tasks.
"""
EPILOG = """\
CHECKPOINT is one that comes with the package (such as sine-maml), the folder of a run, or the
path of a .safetensors file with its .json beside it.

Examples:
  python -m maml_edu evaluate sine-maml
  python -m maml_edu evaluate runs/sine-maml --n-tasks 10000 --inner-steps 20 --json
  python -m maml_edu evaluate omniglot-conv4-5way-1shot --protocol support-only
"""
MAX_POINTS = 200_000_000


def fill(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a name, a folder or a path")
    add_flags(parser, "measurement", options_of(Measurement), {})
    parser.add_argument(
        "--data", metavar="SOURCE", help="of the drawings (Omniglot; default: auto)"
    )
    add_device(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, all steps")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, command: str) -> int:
    try:
        how = Measurement(**given(args, options_of(Measurement)))
    except InputError as error:
        raise UsageError(str(error)) from error
    points = how.n_tasks * ((how.shots or 5) + (how.queries or 100))
    if points > MAX_POINTS:
        said = f"n_tasks x (shots + queries) is {points:,}; it must be at most {MAX_POINTS:,}"
        raise UsageError(said)
    device = device_of(args.device)
    one_thread()
    checkpoint = load(args.checkpoint, device)
    if args.data is not None and not checkpoint.config.family.validates:
        raise UsageError(f"--data is for drawings; {args.checkpoint} is of sine waves")
    try:
        figures = measure(
            checkpoint.config, checkpoint.theta, how,
            source=args.data or "auto", device=device, progress=True,
        )  # fmt: skip
    except InputError as error:
        raise UsageError(str(error)) from error
    title = checkpoint.config.title
    if args.json:
        about = {"checkpoint": args.checkpoint, "learner": title}
        print(json.dumps({**about, "command": command, "device": device, **figures}))
    else:
        print(f"{args.checkpoint}: {title}")
        print(table(figures))
    return 0
