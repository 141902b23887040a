"""A release in small: zips laid out as Omniglot's are, of a few random drawings."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from maml_edu.tasks.data import Remote
from maml_edu.tasks.data.archive import Part

DRAWINGS: dict[str, dict[str, np.ndarray]] = {
    f"images_{part}.zip": {
        f"images_{part}/Made_up/character{c:02d}/{c:04d}_{d:02d}.png": np.random.default_rng(
            [seed, c, d]
        ).random((105, 105))
        < 0.1
        for c in range(1, 4)
        for d in range(1, 21)
    }
    for seed, part in enumerate(("background", "evaluation"))
}


def png(ink: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(~ink).save(file, "PNG")
    return file.getvalue()


def zipped(files: Mapping[str | zipfile.ZipInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


PNGS = {
    zip_name: {name: png(ink) for name, ink in drawings.items()}
    for zip_name, drawings in DRAWINGS.items()
}
ZIPS = {zip_name: zipped(files) for zip_name, files in PNGS.items()}


def _content(drawings: Mapping[str, np.ndarray]) -> str:
    """The checksum that `maml_edu.tasks.data.archive` describes, written out a second time."""
    digest, last = hashlib.sha256(), None
    for name in sorted(drawings):
        character = "/".join(name.split("/")[1:3])
        if character != last:
            digest.update(character.encode())
            last = character
        digest.update(np.packbits(drawings[name]).tobytes())
    return digest.hexdigest()


PARTS = {
    zip_name: Part(hashlib.md5(ZIPS[zip_name]).hexdigest(), 3, _content(drawings))
    for zip_name, drawings in DRAWINGS.items()
}


def remotes(url: str) -> dict[str, Remote]:
    """The zips at the address of a server."""
    return {
        name: Remote(url + name, f"md5:{part.md5}", "a zip file") for name, part in PARTS.items()
    }


def write(folder: Path, zips: Mapping[str, bytes] = ZIPS) -> Path:
    """The zips as files of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zips.items():
        (folder / name).write_bytes(content)
    return folder
