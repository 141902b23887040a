"""The command line. Each sub-command is a module with `add(subparsers)` and its own `run(args)`.

What goes wrong ends as one sentence on stderr. Exit status: 0 done; 1 it could not be done; 2 it
was not asked for properly; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence

import maml_edu
from maml_edu.runs.cli import data, evaluate, omniglot, sine
from maml_edu.runs.cli.training import speaks

PROG = "maml_edu"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, under one name, for every sub-command."""

    def error(self, message: str):
        self.exit(2, f"{PROG}: error: {message} (try: {self.prog} --help)\n")


def parser() -> Parser:
    top = Parser(
        prog="python -m maml_edu",
        description="Train and evaluate meta-learners. The lessons are in notebooks/.",
        epilog="Example: python -m maml_edu train sine --out runs/first",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROG} {maml_edu.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    train = commands.add_parser(
        "train",
        help="train a learner on a family of tasks",
        description="Train a learner on a family of tasks.",
        allow_abbrev=False,
    )
    families = train.add_subparsers(title="tasks", metavar="TASKS", required=True)
    sine.add(families)
    omniglot.add(families)
    evaluate.add(commands)
    data.add(commands)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        args = parser().parse_args(argv)
    except SystemExit as done:  # --help, --version and usage errors
        return done.code
    try:
        return args.run(args, shlex.join(["python", "-m", PROG, *argv]))
    except KeyboardInterrupt:
        return _say("stopped", 130)
    except OSError as error:
        return _say(f"{error.filename or 'a file'}: {error.strerror or error}", 1)
    except ValueError as error:
        status = getattr(error, "status", 1)
        return _say(str(error), status) if speaks() else status  # workers share what is wrong
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        return _say("there is not enough memory for this; ask for fewer tasks or points", 1)


def _say(sentence: str, status: int) -> int:
    print(f"{PROG}: error: {sentence}", file=sys.stderr)
    return status
