"""Why an address cannot be reached, and what to set in a company's network."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies, select_proxy

PROXY_WANTS_LOGIN = 407


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
