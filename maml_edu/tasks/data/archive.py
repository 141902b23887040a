"""Read Omniglot's zips in memory: nothing is unpacked to disk, and everything is checked."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from maml_edu.tasks.data.files import DataError
from maml_edu.tasks.data.release import MAX_BYTES, Part

DRAWERS = 20
RAW = 105  # pixels a side, in the release
SIDE = 28  # and in few-shot papers
MAX_ENTRIES = 50_000
MAX_DRAWING = 2**14  # bytes of one PNG; the largest of Omniglot's has 522
# What zipfile and Pillow raise where bytes are not what they should be.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
DRAWING = re.compile(r"images_\w+/([^/]+/character\d+)/\d+_\d+\.png")


def read_archive(path: Path, part: Part, bar: tqdm | None = None) -> tuple[list[str], np.ndarray]:
    """The drawings in one of the release's zips, checked by count and by content.

    Returns the characters' names, sorted ("Greek/character01"), and their drawings as uint8 of
    shape (characters, 20, 28, 28), where 255 is ink. Pillow's LANCZOS filter on 8-bit greys shrinks
    them from 105 pixels a side to 28. (The code of Finn et al. 2017 asks for LANCZOS on 1-bit
    images, for which Pillow falls back to the nearest pixel.)

    One SHA-256 checks the content of all characters, in the order of their names: each name, then
    the 105 x 105 bits of its drawings, ink as 1, eight to a byte, row by row. Raises DataError.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _drawings(archive, path)
            characters = _complete(entries, part, path)
            images = np.empty((len(characters), DRAWERS, SIDE, SIDE), np.uint8)
            content = hashlib.sha256()
            for i, character in enumerate(characters):
                content.update(character.encode())
                ink = np.stack([_ink(archive, entry, path) for entry in entries[character]])
                for drawing in ink:
                    content.update(np.packbits(drawing).tobytes())
                images[i] = shrink(ink)
                if bar is not None:
                    bar.update(DRAWERS)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path} is not a whole zip file ({error})") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    if content.hexdigest() != part.content:
        raise DataError(
            f"{path} holds {len(characters)} characters, but not Omniglot's drawings of them "
            "(the SHA-256 of the content differs)"
        )
    return characters, images


def shrink(ink: np.ndarray) -> np.ndarray:
    """Shrink drawings (…, 105, 105), True for ink, to uint8 (…, 28, 28), 255 for ink.

    Pillow's LANCZOS filter, along rows and then columns, as a matrix: for all drawings of a
    character at once this takes a fraction of Pillow's time.
    """
    weights = _lanczos()
    rows = (ink.astype(np.float32) @ weights.T).clip(0, 1)
    return (weights @ rows * 255).round().clip(0, 255).astype(np.uint8)


@cache
def _lanczos() -> np.ndarray:
    """Pillow's weights for each of 28 pixels from each of 105, (28, 105): its answers to an
    identity matrix."""
    each = Image.fromarray(np.eye(RAW, dtype=np.float32))
    return np.asarray(each.resize((SIDE, RAW), Image.Resampling.LANCZOS)).T


def _drawings(archive: zipfile.ZipFile, path: Path) -> dict[str, list[zipfile.ZipInfo]]:
    """The entries of each character's drawings, sorted by name."""
    if path.stat().st_size > MAX_BYTES or len(archive.infolist()) > MAX_ENTRIES:
        raise DataError(f"{path} is far larger than Omniglot's zip, so it was not read")
    found: dict[str, dict[str, zipfile.ZipInfo]] = {}
    for entry in archive.infolist():
        name = entry.filename
        if _leads_outside(name) or stat.S_ISLNK(entry.external_attr >> 16):
            raise DataError(
                f"{path} holds {name[:80]!r}, which leads outside it; "
                "Omniglot's has no such entry, so it was not read"
            )
        if match := DRAWING.fullmatch(name):
            if entry.file_size > MAX_DRAWING:
                raise DataError(
                    f"{path} holds {name!r} of {entry.file_size:,} bytes; "
                    f"a drawing has at most {MAX_DRAWING:,}, so it was not read"
                )
            if name in found.setdefault(match[1], {}):
                raise DataError(f"{path} holds {name!r} twice")
            found[match[1]][name] = entry
    return {c: [entry for _, entry in sorted(found[c].items())] for c in sorted(found)}


def _leads_outside(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/") or "\\" in name or ":" in name


def _complete(entries: dict[str, list[zipfile.ZipInfo]], part: Part, path: Path) -> list[str]:
    if len(entries) != part.characters:
        raise DataError(f"{path} holds {len(entries)} characters instead of {part.characters}")
    for character, drawings in entries.items():
        if len(drawings) != DRAWERS:
            raise DataError(
                f"{path} holds {len(drawings)} drawings of {character} instead of {DRAWERS}"
            )
    return list(entries)


def _ink(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> np.ndarray:
    """One drawing: (105, 105), True where there is ink."""
    try:
        with archive.open(entry) as file:
            png = file.read(MAX_DRAWING)  # whatever size the entry claims
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.size != (RAW, RAW) or image.mode != "1":  # known before it is decoded
                raise ValueError(f"{image.size[0]} x {image.size[1]} pixels, mode {image.mode}")
            return ~np.asarray(image)
    except BROKEN as error:
        why = " ".join(str(error).split())[:100]
        raise DataError(f"{path} holds {entry.filename}, which cannot be read ({why})") from None
