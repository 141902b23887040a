"""Fetching Omniglot's release."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm

from maml_edu.tasks.data.files import DataError, cannot_write
from maml_edu.tasks.data.release import MAX_BYTES, RELEASE, URL, Part

ATTEMPTS = 3
TIMEOUT = (3.05, 20)  # seconds to connect, and between two pieces of the body


def fetch(
    folder: Path,
    *,
    url: str = URL,
    release: Mapping[str, Part] = RELEASE,
    progress: bool = True,
    wait: float = 1.0,
) -> list[Path]:
    """Have the release's zips in `folder`; those already there, and whole, are not fetched again.

    A file gets its name only after its MD5 was found right. What may pass (a connection that broke
    off, a damaged body, a server's error) is tried again after `wait` seconds, then twice that.
    Raises DataError.
    """
    return [_fetch(folder, name, part, url, progress, wait) for name, part in release.items()]


def _fetch(folder: Path, name: str, part: Part, url: str, progress: bool, wait: float) -> Path:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _attempt(folder, name, part, url, progress)
        except _MayPass as error:
            if attempt == ATTEMPTS:
                raise DataError(f"{error} ({ATTEMPTS} attempts)") from None
            time.sleep(wait * attempt)
    raise AssertionError("not reached")


class _MayPass(Exception):
    """A failure that the next attempt may not meet."""


def _attempt(folder: Path, name: str, part: Part, url: str, progress: bool) -> Path:
    what = f"{url}{name}"
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        path = pooch.retrieve(
            what,
            known_hash=f"md5:{part.md5}",
            fname=name,
            path=folder,
            downloader=_Downloader(name, progress),
        )
        return Path(path)
    except requests.exceptions.HTTPError as error:
        status = error.response.status_code
        said = f"{what} cannot be fetched: the server answered {status} {error.response.reason}"
        raise (_MayPass if status >= 500 else DataError)(said) from None
    except requests.exceptions.ConnectionError:
        raise DataError(f"{what} cannot be reached from this machine") from None
    except requests.exceptions.RequestException as error:
        raise DataError(f"{what} cannot be fetched: {_short(error)}") from None
    except DataError:
        raise
    except OSError as error:
        raise cannot_write(folder, error) from error
    except ValueError:  # pooch's word for another hash
        raise _MayPass(
            f"{what} gave another file than the released one (its MD5 differs)"
        ) from None


class _Downloader:
    """As pooch calls it; it looks at what came before anything else does."""

    def __init__(self, name: str, progress: bool):
        self.name, self.progress = name, progress

    def __call__(self, url: str, output_file: str, pooch_object: object) -> None:
        with requests.get(url, stream=True, timeout=TIMEOUT) as response:
            response.raise_for_status()
            length = response.headers.get("content-length", "")
            total = int(length) if length.isdigit() else None
            bar = tqdm(
                total=total, unit="B", unit_scale=True, desc=self.name, disable=not self.progress
            )
            with bar, open(output_file, "wb") as file:
                done = 0
                for piece in _pieces(response):
                    if done == 0 and not piece.startswith(b"PK"):
                        raise DataError(f"{url} gave {_kind(piece)} instead of a zip file")
                    done += len(piece)
                    if done > MAX_BYTES:
                        raise DataError(f"{url} gave more than {MAX_BYTES:,} bytes")
                    file.write(piece)
                    bar.update(len(piece))


def _pieces(response: requests.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_content(2**16)
    except requests.exceptions.RequestException:
        raise _MayPass(f"{response.url} broke off before its end") from None


def _kind(start: bytes) -> str:
    page = start.lstrip()[:200].lower()
    if page.startswith((b"<!doctype html", b"<html")):
        return "a web page (a login or proxy page?)"
    return "something else"


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
