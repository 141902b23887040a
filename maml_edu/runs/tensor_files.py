"""Files that are whole or absent: written atomically, and read as data, never as code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from maml_edu.foundation.types import Theta

Shapes = Mapping[str, tuple[int, ...]]  # of each tensor of a theta, by name
MAX_JSON = 2**20  # bytes
MAX_TENSORS = 2**28


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message says which file and why."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks, even after a crash, sees the old one or the new one."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    with suppress(OSError):  # so that the new name lasts too; a folder is synced on POSIX only
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read_whole(path: Path, limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes."""
    if not path.exists():
        raise CheckpointError(f"{path} does not exist")
    if not path.is_file():
        raise CheckpointError(f"{path} is not a file")
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > limit:
        raise CheckpointError(f"{path} has more than the {limit:,} bytes that its kind may have")
    return content


def parse_tensors(content: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata in the bytes of a safetensors file."""
    if content[:1] == b"\x80" or content[:2] == b"PK":
        raise CheckpointError(
            f"{path} is not a safetensors file but looks like a pickle, which can run code "
            "when it is opened, so it was not opened"
        )
    try:
        tensors = parse_safetensors(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise CheckpointError(
            f"{path} is cut short, damaged or not a safetensors file ({reason})"
        ) from error
    return tensors, header.get("__metadata__") or {}


def parse_object(content: bytes | str, path: Path) -> dict[str, Any]:
    """The JSON object in the bytes of a file."""

    def no_constant(name: str):
        raise ValueError(f"{name} is not a JSON number")

    try:
        value = json.loads(content, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} does not hold valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} does not hold a JSON object")
    return value


def check_theta(theta: Theta, shapes: Shapes, path: Path) -> None:
    """Raise unless theta has the learner's tensors: names, shapes, float32, all finite."""
    check_names(set(theta), set(shapes), path)
    for name, shape in shapes.items():
        check_tensor(name, theta[name], shape, path)


def check_names(found: set[str], expected: set[str], path: Path) -> None:
    """Raise unless a file holds exactly the tensors that it should."""
    for names, what in ((expected - found, "lacks"), (found - expected, "should not have")):
        if names:
            first = ", ".join(name[:60] for name in sorted(names)[:3])
            raise CheckpointError(
                f"{path} holds another model's tensors: it {what} {first}"
                + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            )


def check_tensor(name: str, tensor: Tensor, shape: tuple[int, ...], path: Path) -> None:
    """Raise unless a tensor has this shape, is float32, and is finite."""
    found = tuple(tensor.shape)
    if found != tuple(shape):
        raise CheckpointError(
            f"{path} holds another model's tensors: {name} has the shape {found} instead of {shape}"
        )
    if tensor.dtype != torch.float32:
        raise CheckpointError(f"{path} holds {name} as {tensor.dtype} instead of torch.float32")
    if not tensor.isfinite().all():
        raise CheckpointError(f"{path} holds values in {name} that are not finite numbers")
