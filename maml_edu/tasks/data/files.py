"""Where data is kept on this machine, and files that are whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


class DataError(ValueError):
    """Data that cannot be had or used; the message says which, and why, in one sentence."""


def cache_folder() -> Path:
    """The folder that MAML_EDU_CACHE names, or the user's cache folder of this system."""
    if named := os.environ.get("MAML_EDU_CACHE"):
        return Path(named).expanduser().absolute()
    import pooch

    return Path(pooch.os_cache("maml_edu"))


def cannot_write(folder: Path, error: OSError) -> DataError:
    """What to say when the cache is full or read-only."""
    return DataError(
        f"the cache folder {folder} cannot be written to ({error.strerror or error}); "
        "make room there, or name another folder in MAML_EDU_CACHE"
    )


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to, which becomes `path` only if the block ends well.

    Each writer has a name of its own, so two of them at once do no harm: the last one stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())  # else a crash might leave the new name on an empty file
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()
