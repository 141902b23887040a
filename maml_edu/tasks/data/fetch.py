"""Fetching Omniglot's release."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
from tqdm.auto import tqdm

from maml_edu.tasks.data.files import DataError, cannot_write
from maml_edu.tasks.data.network import why_not
from maml_edu.tasks.data.release import MAX_BYTES, RELEASE, URL, Part

ATTEMPTS = 3
TIMEOUT = (3.05, 20)  # seconds to connect, and between two pieces of the body


def fetch(
    folder: Path, *, url: str = URL, release: Mapping[str, Part] = RELEASE, progress: bool = True
) -> list[Path]:
    """Have the release's zips in `folder`; those already there, and whole, are not fetched again.

    A file gets its name only once its MD5 is found right. A failure that may pass (a connection
    that broke off, a damaged body, a server's error) is tried again after one and two seconds.
    Raises DataError.
    """
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    source = pooch.create(
        folder,
        url,
        registry={name: f"md5:{part.md5}" for name, part in release.items()},
        retry_if_failed=ATTEMPTS - 1,
    )
    return [_fetch(source, name, progress) for name in release]


def _fetch(source: pooch.Pooch, name: str, progress: bool) -> Path:
    url = source.get_url(name)
    try:
        return Path(source.fetch(name, downloader=_Downloader(name, progress)))
    except _Final as error:
        raise DataError(str(error)) from None
    except requests.RequestException as error:
        said = f"{url} broke off before its end" if _broke_off(error) else why_not(url, error)
        raise DataError(f"{said} ({ATTEMPTS} attempts)") from None
    except OSError as error:
        raise cannot_write(source.abspath, error) from error
    except ValueError:  # pooch's word for another hash
        raise DataError(
            f"{url} gave another file than the released one (its MD5 differs; {ATTEMPTS} attempts)"
        ) from None


class _Final(Exception):
    """A failure that another attempt would meet again, so pooch must not retry."""


class _Downloader(pooch.HTTPDownloader):
    """Pooch's own, with checks on the way and a bar that says which file it is."""

    def __init__(self, name: str, progress: bool):
        super().__init__(chunk_size=2**16, timeout=TIMEOUT)
        self.bar = {"desc": name, "unit": "B", "unit_scale": True, "disable": not progress}

    def __call__(self, url: str, output_file: str, pooch_object: pooch.Pooch) -> None:
        # total: pooch sets it, but first asks whether the bar is true, which one without is not
        with open(output_file, "wb") as file, tqdm(total=1, **self.bar) as self.progressbar:
            try:
                super().__call__(url, _ZipFile(file, url), pooch_object)
            except requests.RequestException as error:
                if _broke_off(error) or getattr(error.response, "status_code", 0) >= 500:
                    raise
                raise _Final(why_not(url, error)) from None
            except OSError as error:
                if error.errno is not None:
                    raise
                raise _Final(f"{url} cannot be fetched: {error}") from None  # no certificates


def _broke_off(error: requests.RequestException) -> bool:
    """Whether the body had begun to arrive."""
    silent = type(error) is requests.ConnectionError and "Read timed out" in str(error)
    return silent or isinstance(error, requests.exceptions.ChunkedEncodingError)


class _ZipFile:
    """A file that takes a zip of at most MAX_BYTES, and nothing else from its first byte on."""

    def __init__(self, file: BinaryIO, url: str):
        self.file, self.url, self.size = file, url, 0

    def write(self, piece: bytes) -> None:
        if self.size == 0 and not piece.startswith(b"PK"):
            raise _Final(f"{self.url} gave {_kind(piece)} instead of a zip file")
        self.size += len(piece)
        if self.size > MAX_BYTES:
            raise _Final(f"{self.url} gave more than {MAX_BYTES:,} bytes")
        self.file.write(piece)

    def flush(self) -> None:
        """Left to the end."""


def _kind(start: bytes) -> str:
    page = start.lstrip()[:200].lower()
    if page.startswith((b"<!doctype html", b"<html")):
        return "a web page (a login or proxy page?)"
    return "something else"
