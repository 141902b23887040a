"""The command line: `python -m maml_edu COMMAND`. Each command is a module with `fill(parser)`,
which adds its options, and `run(args, command)`, which returns the exit status.

An error ends as one sentence on stderr. Exit status: 0 done; 1 it could not be done; 2 the command
line is wrong; 130 stopped by Ctrl-C.
"""

import argparse
import importlib
import re
import shlex
import sys
from collections.abc import Sequence

import maml_edu
from maml_edu.foundation.checks import InputError
from maml_edu.runs.cli.output import say

PROG = "maml_edu"
COMMANDS = {  # loaded when asked for: two of them load PyTorch
    "train": "train a learner on a family of tasks",
    "evaluate": "measure a checkpoint on new tasks",
    "data": "fetch, check and describe the drawings of characters",
}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, under one name, for every command."""

    def error(self, message: str):
        self.exit(2, f"{PROG}: error: {message} (try: {self.prog} --help)\n")


def parser(argv: Sequence[str]) -> Parser:
    """The parser for this command line; only the command that it names has its options."""
    top = Parser(
        prog="python -m maml_edu",
        description="Train and evaluate meta-learners. The lessons are in notebooks/.",
        epilog="Example: python -m maml_edu train sine --out runs/first",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"{PROG} {maml_edu.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, help in COMMANDS.items():
        how = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        added = commands.add_parser(name, help=help, **how)
        if name in argv:
            importlib.import_module(f"{__name__}.{name}").fill(added)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        args = parser(argv).parse_args(argv)
    except SystemExit as done:  # --help, --version and usage errors
        return done.code
    try:
        return args.run(args, shlex.join(["python", "-m", PROG, *argv]))
    except KeyboardInterrupt:
        return say("error: stopped") or 130
    except OSError as error:
        return say(f"error: {error.filename or 'a file'}: {error.strerror or error}") or 1
    except InputError as error:
        return say(f"error: {error}") or getattr(error, "status", 1)
    except (MemoryError, RuntimeError) as error:
        told = f"{type(error).__name__}: {error}"  # on a CPU PyTorch has no class for it
        if not re.search("MemoryError:|DefaultCPUAllocator: can't allocate memory", told):
            raise
        return say("error: there is not enough memory; ask for fewer tasks or points") or 1
