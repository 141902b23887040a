"""Fetching, against a real server: what goes wrong is said in a sentence, and leaves nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from maml_edu.tasks.data import DataError, fetch
from maml_edu.tasks.data.fetch import fetch as fetch_release
from tests.tasks.data.conftest import Answer
from tests.tasks.data.made_up import ZIPS, remotes

FIRST, SECOND = ZIPS
PAGE = b"<!DOCTYPE html><html><body>Please log in to this network.</body></html>"


@pytest.fixture
def get(server, tmp_path):
    def get(url=server.url):
        return fetch_release(tmp_path / "cache", remotes(url), progress=False)

    return get


def files(tmp_path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "cache").glob("*")}


def refusal(get, *arguments) -> str:
    with pytest.raises(DataError) as refused:
        get(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_both_files_arrive_once(get, server, tmp_path):
    assert [path.name for path in get()] == [FIRST, SECOND]
    assert files(tmp_path) == ZIPS
    get()
    assert server.asked == [FIRST, SECOND]


def test_a_file_that_was_damaged_since_is_fetched_again(get, server, tmp_path):
    get()
    (tmp_path / "cache" / FIRST).write_bytes(ZIPS[FIRST][:1000])
    get()
    assert files(tmp_path) == ZIPS
    assert server.asked == [FIRST, SECOND, FIRST]


BAD = {
    "missing": (Answer(status=404), "the server answered 404 Not Found", 1),
    "server's error": (Answer(status=503), "the server answered 503", 3),
    "cut short": (Answer(ZIPS[FIRST], cut=3000), "broke off before its end (3 attempts)", 3),
    "wrong file": (
        Answer(ZIPS[SECOND]),
        "another file than the released one: its MD5 differs (3 attempts)",
        3,
    ),
    "web page": (Answer(PAGE), "gave a web page (a login or proxy page?) instead of a zip", 1),
    "nothing": (Answer(b""), "another file than the released one", 3),
    "other": (Answer(b"\x1f\x8b junk"), "gave something else instead of a zip file", 1),
}


@pytest.mark.parametrize(("answer", "sentence", "attempts"), BAD.values(), ids=BAD)
def test_a_bad_answer(get, server, tmp_path, answer, sentence, attempts):
    server.answers[FIRST] = [answer]
    said = refusal(get)
    assert said.startswith(f"{server.url}{FIRST} ")
    assert sentence in said
    assert server.asked == [FIRST] * attempts
    assert files(tmp_path) == {}
    server.answers[FIRST] = [Answer(ZIPS[FIRST])]
    get()  # the next run works
    assert files(tmp_path) == ZIPS


def test_what_may_pass_is_tried_again(get, server, tmp_path):
    server.answers[FIRST] = [
        Answer(status=502), Answer(ZIPS[FIRST], cut=3000), Answer(ZIPS[FIRST])
    ]  # fmt: skip
    get()
    assert server.asked == [FIRST, FIRST, FIRST, SECOND]
    assert files(tmp_path) == ZIPS


def test_a_server_that_falls_silent(get, server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT", (1, 0.1))
    server.answers[FIRST] = [Answer(ZIPS[FIRST], pause=0.5)]
    assert "broke off before its end" in refusal(get)
    assert files(tmp_path) == {}


def test_more_than_there_can_be(get, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    assert "gave more than 1,000 bytes" in refusal(get)
    assert files(tmp_path) == {}


def test_no_network_is_said_at_once(get, monkeypatch):
    """Without another attempt, which would have to wait."""
    monkeypatch.setattr(fetch, "sleep", None)
    said = refusal(get, "http://127.0.0.1:9/")  # nothing listens there
    assert said.startswith(f"http://127.0.0.1:9/{FIRST} cannot be reached from this machine (")
    said = refusal(get, "http://no-such-host.invalid/")
    assert "cannot be reached from this machine: the name no-such-host.invalid is unknown" in said
    assert "HTTP_PROXY" in said


def test_a_full_disk(get, tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    said = refusal(get)
    assert said == (
        f"the cache folder {tmp_path / 'cache'} cannot be written to (No space left on device); "
        "make room there, or name another folder in MAML_EDU_CACHE"
    )
    assert files(tmp_path) == {}
    monkeypatch.undo()
    get()
    assert files(tmp_path) == ZIPS


def test_a_cache_that_cannot_be_a_folder(get, tmp_path):
    (tmp_path / "cache").write_text("a file")
    assert f"the cache folder {tmp_path / 'cache'} cannot be written to" in refusal(get)


@pytest.mark.skipif(not Path("/sys").is_mount(), reason="needs a folder where nobody may write")
def test_a_read_only_cache(server):
    with pytest.raises(DataError, match="the cache folder /sys/maml_edu cannot be written to"):
        fetch_release(Path("/sys/maml_edu"), remotes(server.url), progress=False)
    assert server.asked == []


def test_two_at_once(get, server, tmp_path):
    server.answers = {name: [Answer(content, pause=0.2)] for name, content in ZIPS.items()}
    outcomes = []

    def run():
        try:
            outcomes.append(len(get()))
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [2, 2]
    assert server.asked.count(FIRST) == 2  # they did overlap
    assert files(tmp_path) == ZIPS


SCRIPT = """
from pathlib import Path
from maml_edu.tasks.data.fetch import fetch
from tests.tasks.data.made_up import remotes
print("begun", flush=True)
fetch(Path({cache!r}), remotes({url!r}), progress=False)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_half_way(get, server, tmp_path, root: Path):
    server.answers[FIRST] = [Answer(ZIPS[FIRST], pause=20)]
    script = SCRIPT.format(cache=str(tmp_path / "cache"), url=server.url)
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not server.asked:  # until it is half-way
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=600)
    assert b"KeyboardInterrupt" in errors
    assert files(tmp_path) == {}
    server.answers[FIRST] = [Answer(ZIPS[FIRST])]
    get()
    assert files(tmp_path) == ZIPS
