"""Pictures in folders, one folder a class, read as one tensor."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from maml_edu.foundation.checks import InputError, at_least
from maml_edu.tasks.data.drawings import DataError

SPLIT_FOLDERS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
MODES = {1: "L", 3: "RGB"}
DEEP = ("I", "F")  # modes with more than 8 bits a pixel begin so


def read_pictures(
    files: Iterable[str | os.PathLike],
    *,
    size: int | tuple[int, int] = 28,
    channels: int = 1,
    invert: bool = False,
) -> Tensor:
    """Picture files as float32 (pictures, channels, height, width), 0 to 1, as `Classes` has them.

    size: the side, or (height, width), that each picture is scaled to, whatever its proportions: no
        part is cut off. channels: 1 for grey, 3 for colour. invert: swap dark and light, as for ink
        on paper, which Omniglot has as 1 on 0. Transparent parts count as white.
    Raises DataError, which names the file, for one that is no picture or has more than 8 bits.
    """
    return read_uint8(files, size=size, channels=channels, invert=invert).float().div_(255)


def read_uint8(
    files: Iterable[str | os.PathLike], *, size: int | tuple[int, int], channels: int, invert: bool
) -> Tensor:
    """`read_pictures`, from 0 to 255."""
    if channels not in MODES:
        raise InputError(f"channels is {channels!r}; it must be 1 for grey or 3 for colour")
    sides = (size, size) if isinstance(size, int) else tuple(size)
    at_least(1, **dict(zip(("height", "width"), sides, strict=True)))
    pages = [_page(Path(file), sides, MODES[channels]) for file in files]
    if not pages:
        raise InputError("files is empty; give at least one picture")
    x = torch.from_numpy(np.stack(pages)).view(len(pages), *sides, channels)
    return (255 - x if invert else x).permute(0, 3, 1, 2).contiguous()


def _page(file: Path, sides: tuple[int, int], mode: str) -> np.ndarray:
    try:
        with Image.open(file) as image:
            if image.mode.startswith(DEEP):
                said = f"has more than 8 bits a pixel (mode {image.mode}); save it with 8"
                raise DataError(f"{file} {said}")
            image = ImageOps.exif_transpose(image)
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            scaled = image.convert(mode).resize(sides[::-1], Image.Resampling.LANCZOS)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "it is no whole picture of a known format"
        raise DataError(f"{file} cannot be read: {reason}") from error
    return np.asarray(scaled, dtype=np.uint8)


def read_folders(
    folder: str | os.PathLike, *, size: int | tuple[int, int], channels: int, invert: bool
) -> tuple[Tensor, list[str], dict[str, list[str]] | None]:
    """The pictures of a folder of class folders: x uint8, the class of each, and the split that
    folders "train", "validation" and "test" make, if there are any. Raises DataError."""
    top = Path(folder).expanduser()
    if not top.is_dir():
        raise DataError(f"the folder {top} does not exist")
    parts = _folders(top)
    if not parts:
        raise DataError(f"{top} holds no folders; it needs one with pictures for each class")
    files: list[Path] = []
    labels: list[str] = []
    split: dict[str, list[str]] = {}
    ready = {part.name.lower() for part in parts} <= set(SPLIT_FOLDERS)
    for part in parts if ready else [top]:
        for its in _folders(part):
            found = _pictures(its)
            files += found
            labels += [its.name] * len(found)
            if ready and found:
                split.setdefault(SPLIT_FOLDERS[part.name.lower()], []).append(its.name)
    if not files:
        raise DataError(f"{top} holds no pictures in its folders, of a format that Pillow reads")
    x = read_uint8(files, size=size, channels=channels, invert=invert)
    return x, labels, split or None


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    """The files whose names end as pictures' do; others, such as notes, are passed over."""
    known = {end for end, name in Image.registered_extensions().items() if name in Image.OPEN}
    files = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    return sorted(p for p in files if p.suffix.lower() in known)
