"""Fetching Omniglot's release, or saying why not, and what to set in a company's network."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import pooch
import requests
from requests.utils import get_environ_proxies, select_proxy
from tqdm.auto import tqdm

from maml_edu.tasks.data.archive import MAX_BYTES, RELEASE, URL, Part
from maml_edu.tasks.data.drawings import DataError, cannot_write

ATTEMPTS = 3
TIMEOUT = (3.05, 20)  # seconds to connect, and between two pieces of the body
PROXY_WANTS_LOGIN = 407


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
    hashes = {name: f"md5:{part.md5}" for name, part in release.items()}
    source = pooch.create(folder, url, registry=hashes, retry_if_failed=ATTEMPTS - 1)
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
            page = piece.lstrip()[:200].lower().startswith((b"<!doctype html", b"<html"))
            found = "a web page (a login or proxy page?)" if page else "something else"
            raise _Final(f"{self.url} gave {found} instead of a zip file")
        self.size += len(piece)
        if self.size > MAX_BYTES:
            raise _Final(f"{self.url} gave more than {MAX_BYTES:,} bytes")
        self.file.write(piece)

    def flush(self) -> None:
        """Left to the end."""


def why_not(url: str, error: requests.RequestException) -> str:
    """One sentence about a request that got no content: the certificate, the proxy, the host's
    name, the server's answer, or else what the system says."""
    host = urlsplit(url).hostname
    status = getattr(error.response, "status_code", None)
    if isinstance(error, requests.exceptions.ProxyError) or status == PROXY_WANTS_LOGIN:
        return f"{url} cannot be fetched: {_proxy_said(url, error, status)}"
    if status is not None:
        return f"{url} cannot be fetched: the server answered {status} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"{url} cannot be fetched: the certificate of {host} is not trusted on this machine "
            f"({_reason(error)}). If your network inspects connections, as companies' do, name the "
            "file of its certificates in the environment variable REQUESTS_CA_BUNDLE"
        )
    if any(isinstance(cause, socket.gaierror) for cause in _causes(error)):
        return (
            f"{url} cannot be reached from this machine: the name {host} is unknown. There is no "
            f"network, or it wants a proxy, which {_variable(url)} names"
        )
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        return f"{url} cannot be reached from this machine ({_reason(error)})"
    return f"{url} cannot be fetched: {_reason(error)}"


def _proxy_said(url: str, error: Exception, status: int | None) -> str:
    """The proxy in the way, without its password, and what to set."""
    proxy = urlsplit(select_proxy(url, get_environ_proxies(url)) or "")
    name = f"{proxy.hostname}:{proxy.port}" if proxy.port else proxy.hostname
    if status == PROXY_WANTS_LOGIN or str(PROXY_WANTS_LOGIN) in str(error):
        return (
            f"the proxy {name} wants a user and a password. Set the environment variable "
            f"{_variable(url)} to http://USER:PASSWORD@{name}"
        )
    return f"the proxy {name}, which {_variable(url)} names, does not connect ({_reason(error)})"


def _variable(url: str) -> str:
    return f"{urlsplit(url).scheme.upper()}_PROXY"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: Exception) -> str:
    """What the system says, in a few words: the deepest cause has the fewest."""
    *_, last = _causes(error)
    certificate = isinstance(last, ssl.SSLCertVerificationError)
    said = last.verify_message if certificate else getattr(last, "strerror", None) or str(last)
    return " ".join(str(said).split())[:120]
