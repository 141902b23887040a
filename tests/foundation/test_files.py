"""Files are written whole or not at all, and read only up to a limit."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from maml_edu.foundation.files import FileError, parse_object, read_whole, write_whole


def test_what_is_written_is_read_and_nothing_is_left_beside_it(tmp_path):
    write_whole(tmp_path / "a", b"first")
    write_whole(tmp_path / "a", b"second")
    assert read_whole(tmp_path / "a", 6) == b"second"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch, error, shared):
    def interrupted(file):
        raise error

    write_whole(tmp_path / "a", b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(error):
        write_whole(tmp_path / "a", b"new", shared=shared)
    assert os.listdir(tmp_path) == ["a"]
    assert read_whole(tmp_path / "a", 100) == b"old"


def test_the_next_write_clears_what_a_killed_one_left(tmp_path):
    (tmp_path / ".a.tmp").write_bytes(b"half")
    write_whole(tmp_path / "a", b"whole")
    assert os.listdir(tmp_path) == ["a"]


def test_many_writers_of_a_shared_file_leave_one_whole_content(tmp_path):
    contents = [bytes([i]) * 100_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(write_whole, tmp_path / "a", c, shared=True) for c in contents]
        for future in done:
            future.result()
    assert read_whole(tmp_path / "a", 100_000) in contents
    assert os.listdir(tmp_path) == ["a"]


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    with pytest.raises(FileError, match="a has more than the 4 bytes"):
        read_whole(tmp_path / "a", 4)
    with pytest.raises(FileError, match="none does not exist"):
        read_whole(tmp_path / "none", 4)
    with pytest.raises(FileError, match="cannot be read: Is a directory"):
        read_whole(tmp_path, 4)


@pytest.mark.parametrize("content", ["", "{", "[1]", "[" * 100_000, b"\xff"])
def test_only_a_json_object_is_parsed(tmp_path, content):
    with pytest.raises(FileError, match="file.json does not hold"):
        parse_object(content, tmp_path / "file.json")
