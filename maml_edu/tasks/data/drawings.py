"""Decoded drawings in memory, and their file in this machine's cache."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.files import read_whole, write_whole

MAX_CACHED = 2**28  # bytes; all of Omniglot is 25 MB
Named = tuple[Tensor, tuple[str, ...]]  # images and names, as in Drawings


class DataError(InputError):
    """Data that is not available or not usable; the message says which and why."""


def cache_folder() -> Path:
    """The folder that MAML_EDU_CACHE names, or the user's cache folder of this system."""
    if named := os.environ.get("MAML_EDU_CACHE"):
        return Path(named).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("maml_edu"))


def cannot_write(folder: Path, error: OSError) -> DataError:
    """The error of a cache that is full or read-only."""
    return DataError(
        f"the cache folder {folder} cannot be written to ({error.strerror or error}); "
        "make room there, or name another folder in MAML_EDU_CACHE"
    )


@dataclass(frozen=True)
class Drawings:
    """Characters, each drawn by several hands.

    images: (characters, drawings, 28, 28) uint8, 255 for ink and 0 for paper.
    names: the name of each character, such as "Greek/character01", with its alphabet first.
    source: one line for people, which says what this is and where it came from.
    omniglot: whether these are Omniglot's drawings; if not, no figure from them is Omniglot's.
    standin: whether they are the stand-in. Neither: they are the reader's own.
    Raises InputError for images of another type or shape.
    """

    images: Tensor
    names: tuple[str, ...]
    source: str
    omniglot: bool
    standin: bool = False

    def __post_init__(self):
        dtype, shape = self.images.dtype, tuple(self.images.shape)
        if dtype != torch.uint8 or len(shape) != 4:
            raise InputError(
                f"images is of {dtype}, the shape {shape}; it must be torch.uint8, 0 to 255, and "
                "(characters, drawings, height, width): for colour and other pictures of your own "
                "see maml_edu.tasks.Classes"
            )
        if len(self.names) != len(self.images):
            raise InputError(f"names has {len(self.names)} names for {len(self.images)} characters")

    @property
    def kind(self) -> str:
        """As configs name it: "omniglot", "stand-in" or "own"."""
        return "omniglot" if self.omniglot else "stand-in" if self.standin else "own"

    @property
    def alphabets(self) -> tuple[str, ...]:
        """The alphabet of each character."""
        return tuple(name.split("/")[0] for name in self.names)


def cached(path: Path, made: Mapping[str, str], make: Callable[[], Named]) -> Named:
    """The drawings in the cached file, if it was `made` from the same things; otherwise those that
    `make` gives, which are then cached. Where the cache cannot be written, a warning says so."""
    kept = read_cached(path, made)
    if kept is None:
        kept = make()
        try:
            write_cached(path, *kept, made)
        except DataError as error:
            warnings.warn(f"{error}. Until then this is done again each time", stacklevel=2)
    return kept


def write_cached(path: Path, images: Tensor, names: Sequence[str], made: Mapping[str, str]) -> None:
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


def read_cached(path: Path, made: Mapping[str, str]) -> Named | None:
    """The drawings in a cached file, or None if it is missing, damaged, or made of other things."""
    try:
        content = read_whole(path, MAX_CACHED)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about = header["__metadata__"]
        images, names = load(content)["images"], tuple(json.loads(about["names"]))
        made_of_these = about["made"] == json.dumps(dict(made), sort_keys=True)
        whole = about["sha256"] == _checksum(images, about)
        return (images, names) if made_of_these and whole else None
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None  # whatever is wrong, the caller makes the file again


def _checksum(images: Tensor, about: Mapping[str, str]) -> str:
    digest = hashlib.sha256(images.contiguous().numpy().data)
    digest.update(f"{tuple(images.shape)} {about['made']} {about['names']}".encode())
    return digest.hexdigest()
