"""The state of a run on disk: one file, so that its parts cannot come apart."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from maml_edu.foundation.checks import InputError, integer
from maml_edu.foundation.files import FileError, parse_object
from maml_edu.outer import TrainState
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.tensor_files import check_tensors, read_tensors, write_tensors

FORMAT = "maml_edu training state 2"
STATE_FILE = "state.safetensors"  # in the folder of a run
Spent = tuple[float, float]  # seconds by the clock, and by the processor
Validated = tuple[int, float, float, float]  # step, cpu seconds, accuracy, half width
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # Adam's; the first is a scalar


@dataclass(frozen=True)
class Progress:
    """How far a run is: its state and config, what it took, and its validations."""

    state: TrainState
    config: TrainConfig
    spent: Spent = (0.0, 0.0)
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
    metadata = {
        "format": FORMAT,
        "config": json.dumps(progress.config.as_json()),
        "progress": json.dumps(numbers),
    }
    write_tensors(Path(path), {**tensors, "generator": state.generator}, metadata)


def load_state(path: str | os.PathLike) -> Progress:
    """What `save_state` wrote. Raises FileError where anything is not as it should be."""
    path = Path(path)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise FileError(f"{path} is not a training state ({FORMAT!r})")
    numbers = parse_object(metadata.get("progress", ""), path)
    try:
        config = TrainConfig.from_json(parse_object(metadata.get("config", ""), path))
        step, loss = numbers["step"], numbers["meta_loss"]
        integer(0, config.training.steps)("step", step)
        spent = tuple(map(float, numbers["spent"]))
        validated = [(int(row[0]), *map(float, row[1:])) for row in numbers["validated"]]
        generator = torch.Generator().set_state(tensors.pop("generator")).get_state()
    except FileError:
        raise
    except InputError as error:
        raise FileError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        raise FileError(f"{path} is damaged: {type(error).__name__} {error}") from error
    shapes = config.make_learner().shapes()
    expected = {f"theta/{name}": shape for name, shape in shapes.items()}
    if step > 0:
        for name, shape in shapes.items():
            expected |= {f"moments/{name}/{k}": () if k == "step" else shape for k in MOMENTS}
    check_tensors(tensors, expected, path)
    theta = {name: tensors[f"theta/{name}"] for name in shapes}
    moments = {
        name: {key: tensors[f"moments/{name}/{key}"] for key in MOMENTS}
        for name in (shapes if step > 0 else ())
    }
    state = TrainState(step, theta, moments, generator, math.nan if loss is None else loss)
    return Progress(state, config, spent, validated)
