"""Omniglot's release (Lake, Salakhutdinov & Tenenbaum 2015): two zips, read in memory.

Nothing is unpacked to disk, and everything is checked.
"""

import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from maml_edu.tasks.data.drawings import DataError
from maml_edu.tasks.data.remote import MAX_BYTES

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
DRAWERS = 20
RAW = 105  # pixels a side, in the release
SIDE = 28  # and in few-shot papers
MAX_DRAWING = 2**14  # bytes of one PNG; the largest of Omniglot's has 522
# What zipfile and Pillow raise where bytes are not what they should be.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, RuntimeError, BadZipFile, zlib.error)
DRAWING = re.compile(r"images_\w+/([^/]+/character\d+)/\d+_\d+\.png")


@dataclass(frozen=True)
class Part:
    """One of the release's zips, and how to recognise it.

    md5: of the zip file, as released. characters: how many it holds. content: the SHA-256 of its
    names and pixels (see `read_archive`), which stays when they are zipped again.
    """

    md5: str
    characters: int
    content: str


RELEASE: dict[str, Part] = {
    "images_background.zip": Part(
        "68d2efa1b9178cc56df9314c21c6e718",
        964,
        "510df825c90f405c4b684fa875722e346bd1f32b4fd5683e5d7def8c8e48b698",
    ),
    "images_evaluation.zip": Part(
        "6b91aef0f799c5bb55b94e3f2daec811",
        659,
        "4035852ce608d699db0d00fafde499ac3c034352cc2906db73b7375faa3bd16d",
    ),
}


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
        with ZipFile(path) as archive:
            entries = _drawings(archive, part, path)
            images, content = [], hashlib.sha256()
            for character, drawings in entries.items():
                ink = np.stack([_ink(archive, entry, path) for entry in drawings])
                content.update(character.encode())
                content.update(np.packbits(ink.reshape(DRAWERS, -1), axis=1).tobytes())
                images.append(shrink(ink))
                if bar is not None:
                    bar.update(DRAWERS)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except (BadZipFile, EOFError) as error:
        raise DataError(f"{path} is not a whole zip file ({error})") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    if content.hexdigest() != part.content:
        raise DataError(
            f"{path} holds {len(entries)} characters, but not Omniglot's drawings of them "
            "(the SHA-256 of the content differs)"
        )
    return list(entries), np.stack(images)


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


def _drawings(archive: ZipFile, part: Part, path: Path) -> dict[str, list[ZipInfo]]:
    """The entries of each character's drawings, sorted by name; others are left alone."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} is far larger than Omniglot's zip, so it was not read")
    found: dict[str, dict[str, ZipInfo]] = {}
    for entry in archive.infolist():
        if match := DRAWING.fullmatch(name := entry.filename):
            if entry.file_size > MAX_DRAWING:
                raise DataError(
                    f"{path} holds {name!r} of {entry.file_size:,} bytes; "
                    f"a drawing has at most {MAX_DRAWING:,}, so it was not read"
                )
            found.setdefault(match[1], {})[name] = entry
    if len(found) != part.characters:
        raise DataError(f"{path} holds {len(found)} characters instead of {part.characters}")
    for character, its in found.items():
        if len(its) != DRAWERS:
            raise DataError(f"{path} holds {len(its)} drawings of {character} instead of {DRAWERS}")
    return {c: [found[c][name] for name in sorted(found[c])] for c in sorted(found)}


def _ink(archive: ZipFile, entry: ZipInfo, path: Path) -> np.ndarray:
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
