"""`python -m maml_edu evaluate CHECKPOINT`."""

import argparse
import json

import torch

from maml_edu.foundation.options import options_of
from maml_edu.runs.checkpoint import load
from maml_edu.runs.cli.flags import UsageError, add_device, add_flags, device_of, given, usage
from maml_edu.runs.cli.output import table
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
  python -m maml_edu evaluate omniglot-anil-maml-conv4-5way-1shot --protocol support-only
"""


def fill(parser: argparse.ArgumentParser) -> None:
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a name, a folder or a path")
    add_flags(parser, "measurement", options_of(Measurement), {})
    help = "where the drawings come from (Omniglot; default: auto)"
    parser.add_argument("--data", metavar="SOURCE", help=help)
    add_device(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, all steps")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, command: str) -> int:
    with usage():
        how = Measurement(**given(args, options_of(Measurement)))
    device = device_of(args.device)
    torch.set_num_threads(1)  # more only slow a network of this size down
    checkpoint = load(args.checkpoint, device)
    if args.data is not None and not checkpoint.config.family.validates:
        raise UsageError(f"--data is for drawings; {args.checkpoint} is of sine waves")
    config = checkpoint.config
    where = {"source": args.data or "auto", "device": device, "progress": True}
    with usage():
        figures = measure(config, checkpoint.theta, how, **where)
    if args.json:
        about = {"checkpoint": args.checkpoint, "learner": config.title}
        print(json.dumps({**about, "command": command, "device": device, **figures}))
    else:
        print(f"{args.checkpoint}: {config.title}\n{table(figures)}")
    return 0
