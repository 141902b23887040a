"""Load drawings from a folder, the cache, the network, or the stand-in."""

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from maml_edu.tasks.data import standin
from maml_edu.tasks.data.archive import DRAWERS, RELEASE, URL, Part, read_archive
from maml_edu.tasks.data.drawings import DataError, Drawings, Named, cache_folder, cached
from maml_edu.tasks.data.remote import Remote

SOURCES = ("auto", "release", "stand-in")
OMNIGLOT_FILE = "omniglot-28x28.safetensors"
STANDIN_FILE = "stand-in-28x28.safetensors"
DECODING = "2"  # count up when decoding, or drawing the stand-in, changes: old caches expire


class StandInWarning(UserWarning):
    """Real data are not available, and made-up data take their place."""


def load_drawings(source: str | os.PathLike = "auto", *, progress: bool = True) -> Drawings:
    """Omniglot's drawings, or the stand-in's, as one tensor in memory, which all callers share.

    source: "release" is the release, fetched once, or an error. "stand-in" is letters of a font in
        made-up hands, which are not Omniglot. A folder holds images_background.zip and
        images_evaluation.zip. "auto" takes the folder that the environment variable MAML_EDU_DATA
        names (of several, the first with those files), or else the release, or, without a network,
        the stand-in, with a StandInWarning that says why. Default: "auto".
    progress: show bars while fetching and decoding. Default: True.
    Decoding and fetching are done once and kept in the cache (see `cache_folder`); where that
    cannot be written, a warning says so. Raises DataError.
    """
    source = os.fspath(source)
    if source == "auto":
        source = os.fspath(omniglot_folder() or source)
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


def data_folders() -> list[Path]:
    """The folders that MAML_EDU_DATA names, as PATH names several: by ":", or ";" on Windows."""
    named = os.environ.get("MAML_EDU_DATA", "").split(os.pathsep)
    return [Path(name).expanduser().absolute() for name in named if name]


def omniglot_folder() -> Path | None:
    """The first folder of MAML_EDU_DATA with Omniglot's zips, or else the first; None for none."""
    folders = data_folders()
    return next((f for f in folders if (f / next(iter(RELEASE))).is_file()), (*folders, None)[0])


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
    if lacking := [file.name for file in files if not file.is_file()]:
        wanted = " and ".join(parts)
        raise DataError(f"the data folder {folder} lacks {lacking[0]}; it needs {wanted}")
    of_each = [(str(file), file.stat()) for file in files]  # one that changed is read again
    made = {name: f"{about.st_size} {about.st_mtime_ns}" for name, about in of_each}
    return _omniglot(cache, made, lambda: files, parts, f"from {folder}", progress)


def from_release(
    cache: Path, *, url: str = URL, parts: Mapping[str, Part] = RELEASE, progress: bool = True
) -> Drawings:
    """Omniglot from its release, fetched into the cache unless it is there."""

    def files() -> list[Path]:
        from maml_edu.tasks.data.fetch import fetch  # slow to import, and seldom needed

        zips = {
            name: Remote(url + name, f"md5:{part.md5}", "a zip file")
            for name, part in parts.items()
        }
        return fetch(cache, zips, progress=progress)

    return _omniglot(cache, {"url": url}, files, parts, f"the release, in {cache}", progress)


def _omniglot(
    cache: Path,
    made: Mapping[str, str],
    files: Callable[[], list[Path]],
    parts: Mapping[str, Part],
    origin: str,
    progress: bool,
) -> Drawings:
    """Omniglot as the cache holds it, or else decoded from its zips."""

    def decode() -> Named:
        zips, names, images = files(), [], []
        total = DRAWERS * sum(part.characters for part in parts.values())
        with tqdm(total=total, unit="drawing", desc="decoding", disable=not progress) as bar:
            for file, part in zip(zips, parts.values(), strict=True):
                some_names, some = read_archive(file, part, bar)
                names += some_names
                images.append(some)
        return torch.from_numpy(np.concatenate(images)), tuple(names)

    content = " ".join(part.content for part in parts.values())
    made = {"decoding": DECODING, "content": content, **made}
    images, names = cached(cache / OMNIGLOT_FILE, made, decode)
    said = f"Omniglot, {len(names)} characters x {images.shape[1]} drawings, {origin}"
    return Drawings(images, names, said, omniglot=True)


def _standin(cache: Path) -> Drawings:
    made = {"drawing": DECODING, "letters": standin.glyphs()}
    images, names = cached(cache / STANDIN_FILE, made, standin.draw_standin)
    said = (
        f"stand-in, not Omniglot: {len(names)} letters of the font DejaVu Sans "
        f"x {images.shape[1]} made-up hands"
    )
    return Drawings(images, names, said, omniglot=False, standin=True)
