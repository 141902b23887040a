"""A real server on this machine, with whatever a test wants it to answer."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from maml_edu.tasks.data import fetch, load
from tests.tasks.data.made_up import ZIPS


@dataclass
class Answer:
    """What the server says: `cut` sends but so many bytes; `pause` is in seconds, half-way."""

    body: bytes = b""
    status: int = 200
    cut: int | None = None
    pause: float = 0.0


@dataclass
class Server:
    """answers: by file name, each a list of answers in turn; the last one stays."""

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server():
    state = Server(answers={name: [Answer(content)] for name, content in ZIPS.items()})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            state.asked.append(name)
            turns = state.answers.get(name, [Answer(status=404)])
            answer = turns.pop(0) if len(turns) > 1 else turns[0]
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            half = len(answer.body) // 2
            try:
                self.wfile.write(answer.body[: min(half, answer.cut or half)])
                self.wfile.flush()
                time.sleep(answer.pause)
                if answer.cut is None:
                    self.wfile.write(answer.body[half:])
            except OSError:
                pass  # the other side went away

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    state.url = f"http://127.0.0.1:{http.server_port}/"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield state
    http.shutdown()
    http.server_close()


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    """No test reads or writes the user's own cache and data, or goes through a proxy."""
    monkeypatch.setenv("MAML_EDU_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MAML_EDU_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setattr(fetch, "sleep", lambda seconds: None)  # between attempts
    load.forget()
    yield
    load.forget()
