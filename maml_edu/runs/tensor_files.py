"""Safetensors files, read as data, never as code: their tensors, names, shapes and numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from maml_edu.foundation.files import FileError, read_whole, write_whole

MAX_TENSORS = 2**28  # bytes of a file


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> bytes:
    """Write a file of tensors, whole or not at all; returns its content."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(kept, metadata)
    write_whole(path, content)
    return content


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a file. Raises FileError."""
    return parse_tensors(read_whole(path, MAX_TENSORS), path)


def parse_tensors(content: bytes, path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata in the content of the file `path`. Raises FileError."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        if content[:1] == b"\x80" or content[:2] == b"PK":  # a good file may begin so by chance
            raise FileError(
                f"{path} is not a safetensors file but looks like a pickle, which can run code "
                "when it is opened, so it was not opened"
            ) from error
        reason = " ".join(str(error).split())[:120]
        raise FileError(
            f"{path} is cut short, damaged or not a safetensors file ({reason})"
        ) from error
    return tensors, header.get("__metadata__") or {}


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
            wrong = f"{name} has the shape {found} instead of {tuple(shape)}"
            raise FileError(f"{path} holds another model's tensors: {wrong}")
        if tensor.dtype != torch.float32:
            raise FileError(f"{path} holds {name} as {tensor.dtype} instead of torch.float32")
        if not tensor.isfinite().all():
            raise FileError(f"{path} holds values in {name} that are not finite numbers")
