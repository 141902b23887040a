"""Safetensors files, read as data, never as code: their tensors, names, shapes and numbers."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from maml_edu.foundation.files import FileError, read_whole, write_whole

MAX_TENSORS = 2**28  # bytes of a file


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> str:
    """Write a file of tensors, whole or not at all; returns its SHA-256."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(kept, metadata)
    write_whole(path, content)
    return sha256(content).hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str], str]:
    """The tensors and the metadata of a file, and its SHA-256. Raises FileError."""
    content = read_whole(path, MAX_TENSORS)
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        reason = f"is cut short, damaged or not a safetensors file ({str(error)[:120]!r})"
        raise FileError(f"{path} {reason}") from error
    return tensors, header.get("__metadata__") or {}, sha256(content).hexdigest()


def check_tensors(
    tensors: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    """Raise FileError unless these are the tensors: names, shapes, float32, all finite."""
    for names, what in ((set(shapes) - set(tensors), "lacks"), (set(tensors) - set(shapes), "has")):
        if names:
            some = ", ".join(name[:60] for name in sorted(names)[:3])
            raise FileError(f"{path} holds another model's tensors: it {what} {some}")
    for name, shape in shapes.items():
        tensor, found = tensors[name], tuple(tensors[name].shape)
        if found != tuple(shape):
            raise FileError(f"{path}: {name} has the shape {found} instead of {tuple(shape)}")
        if tensor.dtype != torch.float32:
            raise FileError(f"{path} holds {name} as {tensor.dtype} instead of torch.float32")
        if not tensor.isfinite().all():
            raise FileError(f"{path} holds values in {name} that are not finite numbers")
