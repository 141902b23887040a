"""Safetensors files, read as data, never as code: their tensors, names, shapes and numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor

from maml_edu.foundation.files import MAX_JSON, FileError, parse_object, read_whole, write_whole
from maml_edu.foundation.types import Theta

__all__ = [
    "MAX_JSON", "MAX_TENSORS", "CheckpointError", "check_names", "check_tensor", "check_theta",
    "parse_object", "parse_tensors", "read_whole", "write_whole",
]  # fmt: skip

Shapes = Mapping[str, tuple[int, ...]]  # of each tensor of a theta, by name
MAX_TENSORS = 2**28  # bytes of a file of tensors


CheckpointError = FileError  # its name where the file is a checkpoint


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
