"""A company's network: what is in the way has a name, and so has the setting that helps."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maml_edu.tasks.data import DataError, StandInWarning, load, load_drawings
from maml_edu.tasks.data.fetch import fetch
from tests.tasks.data.made_up import PARTS, ZIPS, remotes

# A certificate that signs itself, with its key: made for these tests, for 127.0.0.1 and 100 years.
SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
ELSEWHERE = "release.invalid"  # which no name server knows


@contextmanager
def serving(handler, certificate: Path | None = None) -> Iterator[int]:
    """A server on this machine; gives its port."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield http.server_port
    http.shutdown()
    http.server_close()


class Release(BaseHTTPRequestHandler):
    def do_GET(self):
        content = ZIPS[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


class Proxy(BaseHTTPRequestHandler):
    """It lets nobody through who gives no password."""

    def do_GET(self):
        self.send_response(407)
        self.send_header("Proxy-Authenticate", "Basic")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def inspected() -> Iterator[str]:
    """The address of a release behind a certificate that nobody knows."""
    with serving(Release, SELF_SIGNED) as port:
        yield f"https://127.0.0.1:{port}/"


@pytest.fixture
def proxy(monkeypatch) -> Iterator[str]:
    """The address of a proxy; the environment says to use it, with a wrong password."""
    with serving(Proxy) as port:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://anna:secret@127.0.0.1:{port}")
        yield f"127.0.0.1:{port}"


def refusal(tmp_path, url: str) -> str:
    with pytest.raises(DataError) as refused:
        fetch(tmp_path / "cache", remotes(url), progress=False)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_unknown_certificate_is_named_with_what_helps(inspected, tmp_path):
    said = refusal(tmp_path, inspected)
    assert said.startswith(inspected)
    assert "the certificate of 127.0.0.1 is not trusted" in said
    assert "self-signed certificate" in said.replace("self signed", "self-signed")
    assert "REQUESTS_CA_BUNDLE" in said


def test_the_setting_helps(inspected, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SELF_SIGNED))
    files = fetch(tmp_path / "cache", remotes(inspected), progress=False)
    assert {file.name: file.read_bytes() for file in files} == ZIPS


def test_a_setting_that_names_no_file_is_said(inspected, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    said = refusal(tmp_path, inspected)
    assert "none.pem" in said
    assert "cache folder" not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_named_with_what_helps(proxy, tmp_path, scheme):
    said = refusal(tmp_path, f"{scheme}://{ELSEWHERE}/")
    assert f"the proxy {proxy} wants a user and a password" in said
    assert f"{scheme.upper()}_PROXY to http://USER:PASSWORD@{proxy}" in said
    assert "secret" not in said


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named(tmp_path, monkeypatch, scheme):
    monkeypatch.setenv(f"{scheme}_proxy", "http://anna:secret@127.0.0.1:9")
    said = refusal(tmp_path, f"{scheme}://{ELSEWHERE}/")
    assert f"the proxy 127.0.0.1:9, which {scheme.upper()}_PROXY names, does not connect" in said
    assert "secret" not in said


def test_the_stand_in_says_why_it_steps_in_each_time(inspected, monkeypatch):
    asked = []

    def from_release(cache, progress, real=load.from_release):
        asked.append(cache)
        return real(cache, url=inspected, parts=PARTS, progress=False)

    monkeypatch.setattr(load, "from_release", from_release)
    monkeypatch.setattr(load.standin, "glyphs", lambda: "AЖ")
    for progress in (True, False):
        with pytest.warns(StandInWarning, match="certificate of 127.0.0.1.*REQUESTS_CA_BUNDLE"):
            assert not load_drawings(progress=progress).omniglot
    assert len(asked) == 1  # which may take long where the network is slow
