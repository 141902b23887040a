"""Checkpoints: a trained theta with the record of how it came to be, and a run's state to resume.

A checkpoint is two files, `NAME.safetensors` (theta) and `NAME.json` (the record, which carries the
SHA-256 of the first). Loading one reads numbers and names; it runs no code.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_safetensors

from maml_edu.inner import Theta
from maml_edu.learners import Learner
from maml_edu.outer import TrainState
from maml_edu.recipe import Recipe
from maml_edu.safe_files import (
    MAX_JSON,
    MAX_TENSORS,
    CheckpointError,
    check_tensor,
    check_theta,
    parse_object,
    parse_tensors,
    read_whole,
    write_whole,
)
from maml_edu.tasks import TaskSource

__all__ = ["Checkpoint", "CheckpointError", "load", "load_state", "save", "save_state", "shipped"]

FORMAT = "maml_edu checkpoint 1"
STATE_FORMAT = "maml_edu training state 1"
IN_A_RUN = "checkpoint"  # what a run's folder calls its own
SHIPPED = Path(__file__).parent / "checkpoints"


@dataclass(frozen=True)
class Checkpoint:
    """A trained theta, the learner that adapts it, and the record of its training.

    record: config, seed, command, data, figures, seconds, versions, hardware.
    """

    learner: Learner
    theta: Theta
    record: dict[str, Any]

    @property
    def recipe(self) -> Recipe:
        return Recipe.from_json(self.record["config"])

    @property
    def tasks(self) -> TaskSource:
        """Where its tasks came from."""
        return self.recipe.make_tasks()


def shipped() -> list[str]:
    """The names of the checkpoints that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def save(path: str | os.PathLike, theta: Theta, record: dict[str, Any]) -> None:
    """Write `<path>.safetensors` and `<path>.json`, each whole or not at all.

    record: as JSON has it (no nan), with "config" as `Recipe.as_json` gives it.
    """
    tensors, words = _pair(Path(path))
    Recipe.from_json(record["config"])
    content = to_safetensors({name: p.detach().cpu().contiguous() for name, p in theta.items()})
    marks = {"format": FORMAT, "sha256": hashlib.sha256(content).hexdigest()}
    text = json.dumps({**marks, **record}, indent=1, allow_nan=False) + "\n"
    write_whole(tensors, content)
    write_whole(words, text.encode())


def load(
    name_or_path: str | os.PathLike, device: torch.device | str | None = None
) -> Checkpoint:
    """A checkpoint that comes with the package ("sine-maml"), a pair of files, or a run's folder.

    Raises CheckpointError, with one sentence, if anything about it is not as it should be.
    """
    tensors_file, record_file = _pair(_find(name_or_path))
    record = parse_object(read_whole(record_file, MAX_JSON), record_file)
    content = read_whole(tensors_file, MAX_TENSORS)
    if record.get("format") != FORMAT:
        raise CheckpointError(f"{record_file} is not the record of a checkpoint ({FORMAT!r})")
    theta, _ = parse_tensors(content, tensors_file)
    learner = _recipe(record.get("config"), record_file).make_learner()
    check_theta(theta, learner.model, tensors_file)
    if record.get("sha256") != hashlib.sha256(content).hexdigest():
        raise CheckpointError(
            f"{tensors_file} is not the file that {record_file.name} was written with "
            "(their SHA-256 differ)"
        )
    return Checkpoint(learner, {n: p.to(device) for n, p in theta.items()}, record)


def save_state(
    path: str | os.PathLike, state: TrainState, recipe: Recipe, seconds: float = 0.0
) -> None:
    """Write a run's state, recipe included, as one safetensors file: it cannot fall apart."""
    tensors = {f"theta/{name}": p for name, p in state.theta.items()}
    for name, moments in state.moments.items():
        tensors |= {f"moments/{name}/{key}": value for key, value in moments.items()}
    tensors |= {
        "generator": state.generator,
        "step": torch.tensor(state.step),
        "meta_loss": torch.tensor(state.meta_loss, dtype=torch.float64),
        "seconds": torch.tensor(seconds, dtype=torch.float64),
    }
    metadata = {"format": STATE_FORMAT, "config": json.dumps(recipe.as_json())}
    content = to_safetensors({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, metadata)
    write_whole(Path(path), content)


def load_state(path: str | os.PathLike) -> tuple[TrainState, Recipe, float]:
    """The state that `save_state` wrote, its recipe, and the seconds that the run had taken."""
    path = Path(path)
    tensors, metadata = parse_tensors(read_whole(path, MAX_TENSORS), path)
    if metadata.get("format") != STATE_FORMAT:
        raise CheckpointError(f"{path} is not a training state ({STATE_FORMAT!r})")
    recipe = _recipe(parse_object(metadata.get("config", ""), path), path)
    model = recipe.make_model()
    step, meta_loss, seconds, generator = (
        _scalar(tensors, name, dtype, path)
        for name, dtype in (
            ("step", torch.int64),
            ("meta_loss", torch.float64),
            ("seconds", torch.float64),
            ("generator", torch.uint8),
        )
    )
    theta = {n.removeprefix("theta/"): p for n, p in tensors.items() if n.startswith("theta/")}
    check_theta(theta, model, path)
    if not 0 <= step.item() <= recipe.training["steps"]:
        raise CheckpointError(f"{path} is at step {step.item()} of {recipe.training['steps']}")
    moments: dict[str, dict[str, torch.Tensor]] = {}
    if step.item() > 0:
        for name, shape in model.shapes().items():
            moments[name] = {}
            for key, of in (("step", ()), ("exp_avg", shape), ("exp_avg_sq", shape)):
                full = f"moments/{name}/{key}"
                if full not in tensors:
                    raise CheckpointError(f"{path} lacks the tensor {full}")
                check_tensor(full, tensors[full], of, path)
                moments[name][key] = tensors[full]
    state = TrainState(step.item(), theta, moments, generator, meta_loss.item())
    return state, recipe, seconds.item()


def _scalar(tensors: Theta, name: str, dtype: torch.dtype, path: Path) -> torch.Tensor:
    shape = torch.Generator().get_state().shape if name == "generator" else ()
    found = tensors.get(name)
    if found is None or found.dtype != dtype or tuple(found.shape) != tuple(shape):
        raise CheckpointError(f"{path} is not a whole training state: its {name} is not as it should be")
    return found


def _recipe(config: Any, path: Path) -> Recipe:
    try:
        return Recipe.from_json(config)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _pair(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}.safetensors"), path.with_name(f"{path.name}.json")


def _find(given: str | os.PathLike) -> Path:
    """Where a checkpoint is, less the suffix."""
    path = Path(given)
    if path.suffix in (".safetensors", ".json"):
        return path.with_suffix("")
    if str(given) == path.name and path.name in shipped():
        return SHIPPED / path.name
    if path.is_dir():
        return path / IN_A_RUN
    if not any(part.exists() for part in _pair(path)):
        raise CheckpointError(
            f"there is no checkpoint {str(given)!r}: it is none of {', '.join(shipped())}, "
            "no folder of a run, and no pair of files"
        )
    return path
