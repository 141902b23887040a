"""How a run begins at something: at its own state on disk, or at another run's theta."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.learners.heads import start_theta
from maml_edu.outer import Training, TrainState
from maml_edu.runs.checkpoint import Checkpoint
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.training_state import STATE_FILE, Progress, load_state


class RunError(InputError):
    """A run that cannot start; the message says why and what to do."""


def resumed(out: Path, config: TrainConfig) -> Progress:
    """How far the run in a folder is.

    The config may ask for other `steps` than the run began with, where the steps made so far would
    have been the same. Raises RunError where the folder holds no run, or another one.
    """
    if not (out / STATE_FILE).exists():
        raise RunError(f"{out} holds no run to resume; leave out --resume to start one")
    progress = load_state(out / STATE_FILE)
    theirs = progress.config
    longer = replace(theirs, training=replace(theirs.training, steps=config.training.steps))
    if difference := config.difference(longer):
        raise RunError(f"{out} holds another run, which this cannot go on from: {difference}")
    if theirs != config:
        _check_other_steps(out, progress.state.step, theirs, config)
    return progress


def _check_other_steps(out: Path, done: int, there: TrainConfig, here: TrainConfig) -> None:
    """Raise RunError unless a run of as many steps as `here` would have come to the same."""
    steps = f"{out} is a run of {there.training.steps} steps, and --steps is {here.training.steps}"
    if done > here.training.steps:
        raise RunError(f"{steps}; it has done {done} already")
    learner = here.make_learner()

    def at(step: int, training: Training) -> tuple[float, Learner]:
        return training.step_size(step), learner.at_progress(step / training.steps)

    if any(at(step, there.training) != at(step, here.training) for step in range(done)):
        raise RunError(
            f"{steps}; with schedule {here.training.schedule}, warmup {here.training.warmup:g} and "
            f"learner {here.learner.name} its steps so far would have been others. Resume with "
            f"the same --steps, or start a new run from its theta: --start {out} --out ANOTHER"
        )


def start_from(theta: Theta, learner: Learner, *, seed: int) -> TrainState:
    """The state before the first step of a training that starts at another model's theta; see
    `learners.heads.start_theta`. Raises RunError where theta is another network's."""
    generator = torch.Generator().manual_seed(seed)
    fresh = learner.init(generator=generator)
    try:
        start = start_theta(learner, fresh, theta)
    except InputError as error:
        raise RunError(str(error)) from error
    return TrainState(0, start, {}, generator.get_state(), math.nan)


def ancestor(start: Checkpoint) -> dict[str, Any]:
    """What metadata tells of the checkpoint that a run started from."""
    keys = ("sha256", "config", "command", "seconds", "cpu_seconds", "started_from")
    return {key: start.metadata[key] for key in keys if key in start.metadata}
