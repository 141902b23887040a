"""How a run begins, and its state on disk: one file, so that its parts cannot come apart."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from maml_edu.foundation.checks import InputError, integer
from maml_edu.foundation.files import FileError, parse_object
from maml_edu.foundation.optimisers import moments_of
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.learners.heads import start_theta
from maml_edu.outer import Training, TrainState
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.tensor_files import check_tensors, read_tensors, write_tensors

FORMAT = "maml_edu training state 2"
STATE_FILE = "state.safetensors"  # in the folder of a run
Validated = tuple[int, float, float, float]  # step, cpu seconds, accuracy, half-width


class RunError(InputError):
    """A run that cannot start; the message says why and what to do."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: its state (None: not begun) and config, what it took, its validations.

    spent: seconds by the clock, and by the processor.
    """

    state: TrainState | None
    config: TrainConfig
    spent: tuple[float, float] = (0.0, 0.0)
    validated: Sequence[Validated] = ()


def save_state(path: str | os.PathLike, progress: Progress) -> None:
    """Write how far a run is: the whole file or none."""
    state = progress.state
    tensors = {f"theta/{name}": p for name, p in state.theta.items()}
    for name, moments in state.moments.items():
        tensors |= {f"moments/{name}/{key}": value for key, value in moments.items()}
    numbers = {
        "step": state.step,
        "meta_loss": state.meta_loss if math.isfinite(state.meta_loss) else None,
        "spent": progress.spent,
        "validated": list(progress.validated),
    }
    texts = {"config": json.dumps(progress.config.as_json()), "progress": json.dumps(numbers)}
    tensors["generator"] = state.generator
    write_tensors(Path(path), tensors, {"format": FORMAT, **texts})


def load_state(path: str | os.PathLike) -> Progress:
    """What `save_state` wrote. Raises FileError where anything is not as it should be."""
    path = Path(path)
    tensors, metadata, _ = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise FileError(f"{path} is not a training state ({FORMAT!r})")
    numbers = parse_object(metadata.get("progress", ""), path)
    given = parse_object(metadata.get("config", ""), path)
    try:
        config = TrainConfig.from_json(given)
        step, loss = numbers["step"], numbers["meta_loss"]
        integer(0, config.training.steps)("step", step)
        spent = tuple(map(float, numbers["spent"]))
        validated = [(int(row[0]), *map(float, row[1:])) for row in numbers["validated"]]
        generator = torch.Generator().set_state(tensors.pop("generator")).get_state()
    except InputError as error:
        raise FileError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        raise FileError(f"{path} is damaged: {type(error).__name__} {error}") from error
    shapes = config.make_learner().shapes()
    moving = shapes if step > 0 else {}
    keys = moments_of(config.training.optimiser, config.training.momentum)
    expected = {f"theta/{name}": shape for name, shape in shapes.items()}
    for name, shape in moving.items():
        expected |= {f"moments/{name}/{k}": () if k == "step" else shape for k in keys}
    check_tensors(tensors, expected, path)
    theta = {name: tensors[f"theta/{name}"] for name in shapes}
    moments = {n: {key: tensors[f"moments/{n}/{key}"] for key in keys} for n in moving}
    state = TrainState(step, theta, moments, generator, math.nan if loss is None else loss)
    return Progress(state, config, spent, validated)


def resumed(out: Path, config: TrainConfig) -> Progress:
    """How far the run in a folder is.

    The config may ask for other `steps` than the run began with, where the steps made so far would
    have been the same. Raises RunError where the folder holds no run, or another one.
    """
    if not (out / STATE_FILE).exists():
        raise RunError(f"{out} holds no run to resume; leave out --resume to start one")
    progress = load_state(out / STATE_FILE)
    there, here, done = progress.config.training, config.training, progress.state.step
    longer = replace(progress.config, training=replace(there, steps=here.steps))
    if difference := config.difference(longer):
        raise RunError(f"{out} holds another run, which this cannot go on from: {difference}")
    steps = f"{out} is a run of {there.steps} steps, and --steps is {here.steps}"
    if done > here.steps:
        raise RunError(f"{steps}; it has done {done} already")
    learner = config.make_learner()

    def at(step: int, training: Training) -> tuple[float, Learner]:
        return training.step_size(step), learner.at_progress(step / training.steps)

    if there != here and any(at(step, there) != at(step, here) for step in range(done)):
        raise RunError(
            f"{steps}; with schedule {here.schedule}, warmup {here.warmup:g} and learner "
            f"{config.learner.name} its steps so far would have been others. Resume with the "
            f"same --steps, or start a new run from its theta: --start {out} --out ANOTHER"
        )
    return progress


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
