"""What all `train` commands have in common once their recipe stands."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from maml_edu.runs.cli.table import table
from maml_edu.runs.config import TrainConfig

TOGETHER = """\
Several workers share each meta-batch when torchrun starts the command in place of python:
  torchrun --nproc-per-node=2 -m maml_edu train {family}
  torchrun --nproc-per-node=2 --max-restarts=3 -m maml_edu train {family}   (goes on if one is lost)
"""


def train(
    recipe: TrainConfig, out: Path, *, command: str, device: str, resume: bool, **how: Any
) -> int:
    """Run the training, alone or with the other workers, and say how it ended: the exit status.

    how: what else `maml_edu.runs.train.run_training` takes.
    """
    from maml_edu.foundation.capture import NoCompiler
    from maml_edu.foundation.workers import WorkerLost, join
    from maml_edu.outer import Diverged
    from maml_edu.runs.train import RunError, Stopped, run_training

    command = _as_started(command)
    again = command if resume else f"{command} --resume"
    if recipe.training.get("compiled"):
        say("compiling the meta-step; the first takes half a minute or more")
    try:
        with join(device) as (workers, device):
            made = run_training(
                recipe,
                out,
                command=command,
                device=device,
                resume=resume,
                progress=True,
                workers=workers,
                **how,
            )
    except Stopped as stopped:
        say(f"{stopped}. To go on: {again}")
        return 130
    except WorkerLost as lost:
        say(f"{lost}; the last state is saved in {out}. To go on: {again}")
        return 1
    except Diverged as error:
        raise RunError(f"{error}; the last good state is saved in {out}") from None
    except NoCompiler as error:
        raise RunError(f"{error}. Or leave out --compile") from None
    if made is not None:
        print(f"{out}: {recipe.title}, {made.record['seconds']:.1f} s")
        print(table(made.record["figures"]))
    return 0


def say(sentence: str) -> None:
    """To the terminal, once for each machine: its first worker speaks for the others."""
    if speaks():
        print(f"maml_edu: {sentence}", file=sys.stderr)


def speaks() -> bool:
    """Whether this is the only worker of its machine, or the first."""
    return int(os.environ.get("LOCAL_RANK", 0)) == 0


def _as_started(command: str) -> str:
    """The command with torchrun in it, where torchrun has started it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return command
    here, machines = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"))
    nodes = f"--nnodes={machines} " if machines > 1 else ""
    return command.replace("python", f"torchrun {nodes}--nproc-per-node={here}", 1)
