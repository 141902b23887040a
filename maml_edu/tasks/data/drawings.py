"""Decoded drawings in memory, and their file in the cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from maml_edu.foundation.files import read_whole, write_whole
from maml_edu.tasks.data.files import cannot_write

MAX_CACHED = 2**28  # bytes; all of Omniglot is 25 MB


@dataclass(frozen=True)
class Drawings:
    """Characters, each drawn by several hands.

    images: (characters, drawings, 28, 28) uint8, 255 for ink and 0 for paper.
    names: the name of each character, such as "Greek/character01", with its alphabet first.
    source: one line for people, which says what this is and where it came from.
    omniglot: whether these are Omniglot's drawings; if not, no figure from them is Omniglot's.
    """

    images: Tensor
    names: tuple[str, ...]
    source: str
    omniglot: bool

    @property
    def alphabets(self) -> tuple[str, ...]:
        """The alphabet of each character."""
        return tuple(name.split("/")[0] for name in self.names)


def write_cached(path: Path, images: Tensor, names: list[str], made: Mapping[str, str]) -> None:
    """Write decoded drawings, with a checksum and a note of what they were `made` from.

    The file is whole or absent. Raises DataError if it cannot be written.
    """
    about = {"made": json.dumps(dict(made), sort_keys=True), "names": json.dumps(names)}
    about["sha256"] = _checksum(images, about)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save({"images": images}, about), shared=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from error


def read_cached(path: Path, made: Mapping[str, str]) -> tuple[Tensor, tuple[str, ...]] | None:
    """The drawings in a cached file, or None if it is missing, damaged, or made of other things."""
    try:
        content = read_whole(path, MAX_CACHED)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about = header["__metadata__"]
        if about["made"] != json.dumps(dict(made), sort_keys=True):
            return None
        images = load(content)["images"]
        if about["sha256"] != _checksum(images, about):
            return None
        return images, tuple(json.loads(about["names"]))
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None  # whatever is wrong, the caller makes the file again


def _checksum(images: Tensor, about: Mapping[str, str]) -> str:
    digest = hashlib.sha256(images.contiguous().numpy().data)
    digest.update(f"{tuple(images.shape)} {about['made']} {about['names']}".encode())
    return digest.hexdigest()
