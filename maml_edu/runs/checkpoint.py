"""Checkpoints: a trained theta, and metadata: how it was trained, and how good it is.

A checkpoint is two files, `NAME.safetensors` (theta) and `NAME.json` (the metadata, with the
SHA-256 of the first). Loading one reads numbers and names; it runs no code.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.files import MAX_JSON, FileError, parse_object, read_whole, write_whole
from maml_edu.foundation.types import Device, Theta
from maml_edu.learners import Learner
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.tensor_files import check_tensors, read_tensors, write_tensors
from maml_edu.tasks import TaskSource

FORMAT = "maml_edu checkpoint 2"
METADATA = ("config", "seed", "command", "data", "figures", "seconds", "versions", "hardware")
IN_A_RUN = "checkpoint"  # what a run's folder calls its own
SHIPPED = Path(__file__).parent / "shipped"


@dataclass(frozen=True)
class Checkpoint:
    """A trained theta, the learner that adapts it, and the metadata of its training.

    metadata: by the keys of METADATA, and what runs add, such as "cpu_seconds" and "meta_loss".
    """

    learner: Learner
    theta: Theta
    metadata: dict[str, Any]

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.from_json(self.metadata["config"])

    @property
    def tasks(self) -> TaskSource:
        """A source of tasks like those that it was trained on."""
        return self.config.make_tasks()


def shipped() -> list[str]:
    """The names of the checkpoints that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def save(path: str | os.PathLike, theta: Theta, metadata: dict[str, Any]) -> None:
    """Write `<path>.safetensors` and `<path>.json`, each the whole file or none.

    metadata: the keys of METADATA; "config" as `TrainConfig.as_json` gives it; no nan.
    """
    tensors_file, metadata_file = _pair(Path(path))
    config = _checked(metadata, metadata_file)
    check_tensors(theta, config.make_learner().shapes(), tensors_file)
    json.dumps(metadata, allow_nan=False)  # a nan raises before anything is written
    told = {**metadata, "format": FORMAT, "sha256": write_tensors(tensors_file, theta, {})}
    write_whole(metadata_file, (json.dumps(told, indent=1) + "\n").encode())


def load(name_or_path: str | os.PathLike, device: Device = None) -> Checkpoint:
    """A checkpoint that comes with the package ("sine-maml"), a pair of files, or a run's folder.

    Raises FileError, with one sentence, if anything about it is not as it should be.
    """
    tensors_file, metadata_file = _pair(_find(name_or_path))
    metadata = parse_object(read_whole(metadata_file, MAX_JSON), metadata_file)
    if metadata.get("format") != FORMAT:
        raise FileError(f"{metadata_file} is not the metadata of a checkpoint ({FORMAT!r})")
    learner = _checked(metadata, metadata_file).make_learner()
    theta, _, sha256 = read_tensors(tensors_file)
    check_tensors(theta, learner.shapes(), tensors_file)
    if metadata.get("sha256") != sha256:
        told = f"does not belong to {metadata_file.name}: their SHA-256 differ"
        raise FileError(f"{tensors_file} {told}")
    theta = {name: theta[name].to(device) for name in learner.shapes()}
    return Checkpoint(learner, theta, metadata)


def _checked(metadata: dict[str, Any], path: Path) -> TrainConfig:
    """The config in metadata, which must have each key of METADATA."""
    for key in METADATA:
        if key not in metadata:
            raise FileError(f"{path} is not a checkpoint's metadata: its {key} is missing")
    try:
        return TrainConfig.from_json(metadata["config"])
    except InputError as error:
        raise FileError(f"{path}: {error}") from error


def _pair(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}.safetensors"), path.with_name(f"{path.name}.json")


def _find(given: str | os.PathLike) -> Path:
    """Where a checkpoint is, less the suffix."""
    path = Path(given)
    if path.suffix in (".safetensors", ".json"):
        return path.with_suffix("")
    if str(given) in shipped():
        return SHIPPED / path.name
    if path.is_dir():
        return path / IN_A_RUN
    if not any(part.exists() for part in _pair(path)):
        known = f"none of {', '.join(shipped())}, no run's folder, and no pair of files"
        raise FileError(f"there is no checkpoint {str(given)!r}: it is {known}")
    return path
