"""Fetching released files, or saying why not, and what to set in a company's network."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy
from tqdm.auto import tqdm

from maml_edu.foundation.files import write_whole
from maml_edu.tasks.data.drawings import DataError, cannot_write
from maml_edu.tasks.data.remote import KINDS, MAX_BYTES, Remote

ATTEMPTS = 3
TIMEOUT = (3.05, 20)  # seconds to connect, and between two pieces of the body
PROXY_WANTS_LOGIN = 407


def fetch(folder: Path, files: Mapping[str, Remote], *, progress: bool = True) -> list[Path]:
    """Have these files, by name, in `folder`; one that is there, and whole, is not fetched again.

    A file is written once its digest is found right. A failure that may pass (a connection that
    broke off, a damaged body, a server's error) is tried again after one and two seconds.
    Raises DataError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, remote in files.items():
            path = folder / name
            if not path.is_file() or not remote.is_that_of(path.read_bytes()):
                write_whole(path, _fetch(remote, progress), shared=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return [folder / name for name in files]


def _fetch(remote: Remote, progress: bool) -> bytes:
    """The file at an address, which has this digest."""
    url, digest = remote.url, remote.digest.partition(":")[0].upper()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            content = _get(remote, progress)
            if remote.is_that_of(content):
                return content
            said = f"{url} gave another file than the released one: its {digest} differs"
        except requests.RequestException as error:
            said = f"{url} broke off before its end" if _broke_off(error) else why_not(url, error)
            if not _broke_off(error) and getattr(error.response, "status_code", 0) < 500:
                raise DataError(said) from None
        except OSError as error:  # no certificates
            raise DataError(f"{url} cannot be fetched: {error}") from None
        if attempt < ATTEMPTS:
            sleep(attempt)
    raise DataError(f"{said} ({ATTEMPTS} attempts)")


def _get(remote: Remote, progress: bool) -> bytes:
    """A file of at most MAX_BYTES; what is not of its kind is refused from its first byte on."""
    url, content = remote.url, bytearray()
    with requests.get(url, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        bar = {"desc": url.rpartition("/")[2], "unit": "B", "unit_scale": True}
        size = int(response.headers.get("Content-Length", 0)) or None
        with tqdm(total=size, disable=not progress, **bar) as shown:
            for piece in response.iter_content(2**16):
                if not content and not piece.startswith(KINDS.get(remote.kind, b"")):
                    page = piece.lstrip()[:200].lower().startswith((b"<!doctype html", b"<html"))
                    found = "a web page (a login or proxy page?)" if page else "something else"
                    raise DataError(f"{url} gave {found} instead of {remote.kind}")
                content += piece
                if len(content) > MAX_BYTES:
                    raise DataError(f"{url} gave more than {MAX_BYTES:,} bytes")
                shown.update(len(piece))
    return bytes(content)


def _broke_off(error: requests.RequestException) -> bool:
    """Whether the body had begun to arrive."""
    silent = type(error) is requests.ConnectionError and "Read timed out" in str(error)
    return silent or isinstance(error, requests.exceptions.ChunkedEncodingError)


def why_not(url: str, error: requests.RequestException) -> str:
    """One sentence about a request that got no content: the certificate, the proxy, the host's
    name, the server's answer, or else what the system says."""
    host, variable = urlsplit(url).hostname, f"{urlsplit(url).scheme.upper()}_PROXY"
    status = getattr(error.response, "status_code", None)
    if isinstance(error, requests.exceptions.ProxyError) or status == PROXY_WANTS_LOGIN:
        login = status == PROXY_WANTS_LOGIN or str(PROXY_WANTS_LOGIN) in str(error)
        proxy = urlsplit(select_proxy(url, get_environ_proxies(url)) or "")
        name = f"{proxy.hostname}:{proxy.port}" if proxy.port else proxy.hostname  # no password
        if not login:
            said = f"which {variable} names, does not connect ({_reason(error)})"
            return f"{url} cannot be fetched: the proxy {name}, {said}"
        return (
            f"{url} cannot be fetched: the proxy {name} wants a user and a password. Set the "
            f"environment variable {variable} to http://USER:PASSWORD@{name}"
        )
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
            f"network, or it wants a proxy, which {variable} names"
        )
    if isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.Timeout):
        return f"{url} cannot be reached from this machine ({_reason(error)})"
    return f"{url} cannot be fetched: {_reason(error)}"


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
