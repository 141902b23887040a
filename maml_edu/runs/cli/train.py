"""`python -m maml_edu train TASKS`: one command for every family of tasks."""

import argparse
import os
from pathlib import Path
from typing import Any

import torch

from maml_edu.foundation.capture import NoCompiler
from maml_edu.foundation.checks import InputError
from maml_edu.foundation.options import Options, options_of
from maml_edu.foundation.workers import WorkerLost, join
from maml_edu.outer import Diverged
from maml_edu.runs.checkpoint import load
from maml_edu.runs.cli.flags import add_device, add_flags, device_of, given, usage
from maml_edu.runs.cli.output import say, table
from maml_edu.runs.config import KINDS, TRAINING, TrainConfig, part_options
from maml_edu.runs.families import FAMILIES, Family
from maml_edu.runs.run import Run, RunOptions, Stopped
from maml_edu.tasks.data import load_drawings

OUTCOME = """
The defaults above are those of maml; other learners may have their own inner_steps.

The folder that --out names gets, while training goes on, the state to resume from and history.csv;
in the end the checkpoint (checkpoint.safetensors and .json). Ctrl-C saves the state and stops.

Several workers share each meta-batch when torchrun starts the command in place of python:
  torchrun --nproc-per-node=2 -m maml_edu train {family}
  torchrun --nproc-per-node=2 --max-restarts=3 -m maml_edu train {family}   (goes on if one is lost)
"""


def fill(parser: argparse.ArgumentParser) -> None:
    families = parser.add_subparsers(title="tasks", metavar="TASKS", required=True)
    for family in FAMILIES.values():
        how = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
        added = families.add_parser(family.name, help=family.help, **how)
        added.description = family.description
        added.epilog = family.epilog + OUTCOME.format(family=family.name)
        _fill(added, family)
        added.set_defaults(run=run, family=family)


def _fill(parser: argparse.ArgumentParser, family: Family) -> None:
    parser.add_argument("--learner", choices=family.learners, help="default: maml")
    parser.add_argument("--model", choices=family.networks, help=f"default: {family.networks[0]}")
    usual = TrainConfig.make(family.name)
    shown = {**usual.learner.options, **usual.model.options, **usual.tasks.options}
    shown |= {name: getattr(usual.training, name) for name in TRAINING}
    for title, options in _options(family).items():
        add_flags(parser, title, options, shown)
    add_flags(parser, "run", options_of(RunOptions), {})
    add_device(parser)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="default: runs/ and a name")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    parser.add_argument("--start", metavar="CHECKPOINT", help="begin at another model's parameters")
    if family.validates:
        help = "auto, release, stand-in or a folder; see python -m maml_edu data (default: auto)"
        parser.add_argument("--data", default="auto", metavar="SOURCE", help=help)


def _options(family: Family) -> dict[str, Options]:
    """The options of every learner and network that the family can have, of its tasks, and of the
    training, by title."""
    merged: dict[str, Any] = {"learner": {}, "model": {}}
    for what, names in (("learner", family.learners), ("model", family.networks)):
        for name in names:
            if name in KINDS[what]:  # the oracle is joint training
                merged[what] = {**part_options(what, name), **merged[what]}
    tasks = {name: o for name, o in family.options.items() if name != "data"}  # --data finds it
    return {**merged, "tasks": tasks, "training": TRAINING}


def run(args: argparse.Namespace, command: str) -> int:
    family = args.family
    names = [name for options in _options(family).values() for name in options]
    asked = given(args, ("learner", "model", *names))
    with usage():  # refuse what cannot work before anything is done
        TrainConfig.make(family.name, **asked)
        options = RunOptions(**given(args, options_of(RunOptions)), progress=True)
    device = device_of(args.device)
    torch.set_num_threads(1)  # more only slow a network of this size down
    start = load(args.start) if args.start else None
    source = load_drawings(args.data) if family.validates else None
    if family.validates:
        say(source.source)
        asked["data"] = source.kind
    if start is not None:
        asked["start"] = start.metadata["sha256"]
    config = TrainConfig.make(family.name, **asked)
    out = args.out or Path("runs") / f"{family.name}-{config.title}"
    command = _as_started(command)
    again = command if args.resume else f"{command} --resume"
    if config.training.compile:
        say("compiling the meta-step; the first takes half a minute or more")
    try:
        with join(device) as (workers, device):
            how = {"source": source, "device": device, "command": command, "workers": workers}
            made = Run(config, out, options, **how).train(resume=args.resume, start=start)
    except Stopped as stopped:
        return say(f"{stopped}. To go on: {again}") or 130
    except WorkerLost as lost:
        return say(f"{lost}; the last state is saved in {out}. To go on: {again}") or 1
    except Diverged as error:
        raise InputError(f"{error}; the last good state is saved in {out}") from error
    except NoCompiler as error:
        raise InputError(f"{error}. Or leave out --compile") from error
    if made is not None:
        figures = table(made.metadata["figures"])
        print(f"{out}: {config.title}, {made.metadata['seconds']:.1f} s\n{figures}")
    return 0


def _as_started(command: str) -> str:
    """The command with torchrun in it, where torchrun has started it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return command
    here, machines = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"))
    nodes = f"--nnodes={machines} " if machines > 1 else ""
    return command.replace("python", f"torchrun {nodes}--nproc-per-node={here}", 1)
