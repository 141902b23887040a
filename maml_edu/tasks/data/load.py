"""Load drawings from a folder, the cache, the network, or the stand-in."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from maml_edu.tasks.data import standin
from maml_edu.tasks.data.archive import DRAWERS, read_archive
from maml_edu.tasks.data.drawings import Drawings, read_cached, write_cached
from maml_edu.tasks.data.files import DataError, cache_folder
from maml_edu.tasks.data.release import RELEASE, URL, Part

SOURCES = ("auto", "release", "stand-in")
OMNIGLOT_FILE = "omniglot-28x28.safetensors"
STANDIN_FILE = "stand-in-28x28.safetensors"
DECODING = "2"  # count up when decoding, or drawing the stand-in, changes: old caches expire


class StandInWarning(UserWarning):
    """Omniglot is not available, and made-up drawings take its place."""


def load_drawings(source: str | os.PathLike = "auto", *, progress: bool = True) -> Drawings:
    """Omniglot's drawings, or the stand-in's, as one tensor in memory, which all callers share.

    source: "release" is the release, fetched once, or an error. "stand-in" is letters of a font in
        made-up hands, which are not Omniglot. A folder holds images_background.zip and
        images_evaluation.zip. "auto" takes the folder that the environment variable MAML_EDU_DATA
        names, or else the release, or, without a network, the stand-in, with a StandInWarning that
        says why. Default: "auto".
    progress: show bars while fetching and decoding. Default: True.
    Decoding and fetching are done once and kept in the cache (see `cache_folder`); where that
    cannot be written, a warning says so. Raises DataError.
    """
    source = os.fspath(source)
    if source == "auto":
        source = os.environ.get("MAML_EDU_DATA") or source
    if source not in SOURCES:
        source = os.fspath(Path(source).expanduser().absolute())
    if source != "auto":
        return _shared(source, progress)
    if (why_not := _no_release.get(cache_folder())) is None:  # else do not wait for it again
        try:
            return _shared("release", progress)
        except DataError as error:
            why_not = _no_release[cache_folder()] = str(error)
    warnings.warn(
        f"{why_not}. Made-up drawings stand in for Omniglot: no figure from them is Omniglot's",
        StandInWarning,
        stacklevel=2,
    )
    return _shared("stand-in", progress)


_in_memory: dict[tuple[str, Path], Drawings] = {}  # by source and cache folder; the last two
_no_release: dict[Path, str] = {}  # why "auto" could not have it, by cache folder


def _shared(source: str, progress: bool) -> Drawings:
    """The drawings of a source, read once: the splits of one data set share its memory."""
    cache = cache_folder()
    if (source, cache) not in _in_memory:
        if source == "stand-in":
            drawings = _standin(cache)
        elif source == "release":
            drawings = from_release(cache, progress=progress)
        else:
            drawings = from_folder(Path(source), cache, progress=progress)
        if len(_in_memory) == 2:
            del _in_memory[next(iter(_in_memory))]
        _in_memory[source, cache] = drawings
    return _in_memory[source, cache]


def forget() -> None:
    """Let go of all drawings in memory, and try the release again where it could not be had."""
    _in_memory.clear()
    _no_release.clear()


def from_folder(
    folder: Path, cache: Path, *, parts: Mapping[str, Part] = RELEASE, progress: bool = True
) -> Drawings:
    """Omniglot from a folder that holds its two zips."""
    files = [folder / name for name in parts]
    if not folder.is_dir():
        named = ", ".join(SOURCES)
        raise DataError(f"the data folder {folder} does not exist; a source is a folder or {named}")
    for file in files:
        if not file.is_file():
            raise DataError(
                f"the data folder {folder} lacks {file.name}; it needs {' and '.join(parts)}"
            )
    made = {"decoding": DECODING, "content": " ".join(part.content for part in parts.values())}
    for file in files:  # another file of the same name is read again
        made[str(file)] = f"{file.stat().st_size} {file.stat().st_mtime_ns}"
    return _decoded(files, parts, cache, made, f"from {folder}", progress)


def from_release(
    cache: Path, *, url: str = URL, parts: Mapping[str, Part] = RELEASE, progress: bool = True
) -> Drawings:
    """Omniglot from its release, fetched into the cache unless it is there."""
    made = {"decoding": DECODING, "content": " ".join(part.content for part in parts.values())}
    made["url"] = url
    origin = f"the release, in {cache}"
    if (kept := read_cached(cache / OMNIGLOT_FILE, made)) is not None:
        return _omniglot(*kept, origin)
    from maml_edu.tasks.data.fetch import fetch  # slow to import, and seldom needed

    files = fetch(cache, url=url, release=parts, progress=progress)
    return _decoded(files, parts, cache, made, origin, progress)


def _decoded(
    files: list[Path],
    parts: Mapping[str, Part],
    cache: Path,
    made: Mapping[str, str],
    origin: str,
    progress: bool,
) -> Drawings:
    if (kept := read_cached(cache / OMNIGLOT_FILE, made)) is not None:
        return _omniglot(*kept, origin)
    total = DRAWERS * sum(part.characters for part in parts.values())
    names: list[str] = []
    images = []
    with tqdm(total=total, unit="drawing", desc="decoding", disable=not progress) as bar:
        for file, part in zip(files, parts.values(), strict=True):
            some_names, some = read_archive(file, part, bar)
            names += some_names
            images.append(some)
    tensor = torch.from_numpy(np.concatenate(images))
    _keep(cache / OMNIGLOT_FILE, tensor, names, made)
    return _omniglot(tensor, tuple(names), origin)


def _omniglot(images: torch.Tensor, names: tuple[str, ...], origin: str) -> Drawings:
    said = f"Omniglot, {len(names)} characters x {images.shape[1]} drawings, {origin}"
    return Drawings(images, names, said, omniglot=True)


def _standin(cache: Path) -> Drawings:
    made = {"drawing": DECODING, "letters": standin.glyphs()}
    if (kept := read_cached(cache / STANDIN_FILE, made)) is None:
        names, images = standin.draw_standin()
        _keep(cache / STANDIN_FILE, images, names, made)
        kept = images, tuple(names)
    said = (
        f"stand-in, not Omniglot: {len(kept[1])} letters of the font DejaVu Sans "
        f"x {kept[0].shape[1]} made-up hands"
    )
    return Drawings(*kept, said, omniglot=False)


def _keep(path: Path, images: torch.Tensor, names: list[str], made: Mapping[str, str]) -> None:
    """Write drawings to the cache; where that fails, warn, and go on with those in memory."""
    try:
        write_cached(path, images, names, made)
    except DataError as error:
        warnings.warn(f"{error}. Until then this is done again each time", stacklevel=2)
