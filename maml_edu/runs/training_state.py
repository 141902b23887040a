"""The state of a run on the disk: one file, so that its parts cannot come apart."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor

from maml_edu.foundation.checks import InputError
from maml_edu.outer import TrainState
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.tensor_files import (
    MAX_TENSORS,
    CheckpointError,
    check_names,
    check_tensor,
    parse_object,
    parse_tensors,
    read_whole,
    write_whole,
)

FORMAT = "maml_edu training state 2"
STATE_FILE = "state.safetensors"  # in the folder of a run
SINGLES = {
    "step": torch.int64,
    "meta_loss": torch.float64,
    "seconds": torch.float64,
    "cpu_seconds": torch.float64,
}
Spent = tuple[float, float]  # seconds by the clock, and by the processor
Validated = tuple[int, float, float, float]  # step, cpu seconds, accuracy, half width
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # Adam's; the first is a scalar


def save_state(
    path: str | os.PathLike,
    state: TrainState,
    config: TrainConfig,
    spent: Spent = (0.0, 0.0),
    validated: Sequence[Validated] = (),
) -> None:
    """Write a run's state, its config, what it took and reached so far: the whole file or none."""
    tensors = {f"theta/{name}": p for name, p in state.theta.items()}
    for name, moments in state.moments.items():
        tensors |= {f"moments/{name}/{key}": value for key, value in moments.items()}
    tensors |= {
        "generator": state.generator,
        "step": torch.tensor(state.step),
        "meta_loss": torch.tensor(state.meta_loss, dtype=torch.float64),
        "seconds": torch.tensor(spent[0], dtype=torch.float64),
        "cpu_seconds": torch.tensor(spent[1], dtype=torch.float64),
    }
    if validated:
        tensors["validated"] = torch.tensor(validated, dtype=torch.float64)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {"format": FORMAT, "config": json.dumps(config.as_json())}
    write_whole(Path(path), to_safetensors(tensors, metadata))


def load_state(
    path: str | os.PathLike,
) -> tuple[TrainState, TrainConfig, Spent, list[Validated]]:
    """What `save_state` wrote: the state, the config, the seconds spent, the validations.

    Raises CheckpointError, with one sentence, if anything about it is not as it should be.
    """
    path = Path(path)
    tensors, metadata = parse_tensors(read_whole(path, MAX_TENSORS), path)
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a training state ({FORMAT!r})")
    try:
        config = TrainConfig.from_json(parse_object(metadata.get("config", ""), path))
    except CheckpointError:
        raise
    except InputError as error:
        raise CheckpointError(f"{path}: {error}") from error
    single = {name: _single(tensors, name, dtype, path) for name, dtype in SINGLES.items()}
    step = single["step"]
    if not 0 <= step <= config.training.steps:
        raise CheckpointError(f"{path} is at step {step} of {config.training.steps}")
    shapes = config.make_learner().shapes()
    expected = {f"theta/{name}": shape for name, shape in shapes.items()}
    if step > 0:
        for name, shape in shapes.items():
            expected |= {f"moments/{name}/{k}": () if k == "step" else shape for k in MOMENTS}
    validated = _validated(tensors.pop("validated", None), path)
    check_names(set(tensors), {*expected, *SINGLES, "generator"}, path)
    for name, shape in expected.items():
        check_tensor(name, tensors[name], shape, path)
    state = TrainState(
        step,
        theta={name: tensors[f"theta/{name}"] for name in shapes},
        moments={
            name: {key: tensors[f"moments/{name}/{key}"] for key in MOMENTS}
            for name in (shapes if step > 0 else ())
        },
        generator=_generator(tensors["generator"], path),
        meta_loss=single["meta_loss"],
    )
    return state, config, (single["seconds"], single["cpu_seconds"]), validated


def _validated(table: Tensor | None, path: Path) -> list[Validated]:
    if table is None:
        return []
    if table.dtype != torch.float64 or table.dim() != 2 or table.shape[1] != 4:
        raise CheckpointError(f"{path} has validations that are not a table of four columns")
    return [(int(step), *rest) for step, *rest in table.tolist()]


def _single(tensors: dict[str, Tensor], name: str, dtype: torch.dtype, path: Path) -> Any:
    tensor = tensors.get(name)
    if tensor is None or tensor.dtype != dtype or tensor.shape != ():
        raise CheckpointError(f"{path} has no {name} that is a single {dtype}")
    return tensor.item()


def _generator(state: Tensor, path: Path) -> Tensor:
    try:
        return torch.Generator().set_state(state).get_state()
    except (RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path} holds a generator's state that is not one") from error
