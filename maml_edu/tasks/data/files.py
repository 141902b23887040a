"""Where data is kept on this machine, and what to say when it cannot be had."""

from __future__ import annotations

import os
from pathlib import Path

from maml_edu.foundation.checks import InputError


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
