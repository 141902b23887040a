"""Which drawings a reader gets, that the line she sees says so, and that no cache is trusted."""

from __future__ import annotations

import errno
import os
import warnings

import pytest
import torch

from maml_edu.tasks.data import DataError, StandInWarning, load, load_drawings
from maml_edu.tasks.data.drawings import read_cached, write_cached
from tests.tasks.data.conftest import Answer
from tests.tasks.data.made_up import PARTS, ZIPS, write


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def from_folder(tmp_path, cache):
    return lambda: load.from_folder(tmp_path / "data", cache, parts=PARTS, progress=False)


@pytest.fixture
def from_release(server, cache):
    return lambda: load.from_release(cache, url=server.url, parts=PARTS, progress=False)


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the zips that were decoded, as they are."""
    names: list[str] = []
    read = load.read_archive

    def noted(path, *arguments):
        names.append(path.name)
        return read(path, *arguments)

    monkeypatch.setattr(load, "read_archive", noted)
    return names


def test_a_folder_and_the_release_hold_the_same(tmp_path, cache, from_folder, from_release):
    write(tmp_path / "data")
    one, other = from_folder(), from_release()
    assert one.images.shape == (6, 20, 28, 28)
    assert one.images.dtype == torch.uint8
    assert torch.equal(one.images, other.images)
    assert one.names == other.names
    assert one.alphabets == ("Made_up",) * 6
    assert one.omniglot
    assert one.source == f"Omniglot, 6 characters x 20 drawings, from {tmp_path / 'data'}"
    assert other.source == f"Omniglot, 6 characters x 20 drawings, the release, in {cache}"


def test_drawings_are_decoded_once(tmp_path, from_folder, decoded):
    write(tmp_path / "data")
    first, second = from_folder(), from_folder()
    assert decoded == list(ZIPS)
    assert torch.equal(first.images, second.images)
    assert first.names == second.names


def test_from_the_cache_the_release_needs_no_network(from_release, server):
    from_release()
    server.answers = {}
    from_release()
    assert server.asked == list(ZIPS)


def test_a_folder_that_changed_is_read_again(tmp_path, from_folder, decoded):
    folder = write(tmp_path / "data")
    from_folder()
    (folder / next(iter(ZIPS))).write_bytes(b"something else")
    with pytest.raises(DataError, match="is not a whole zip file"):
        from_folder()


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "rename"])
def test_a_damaged_cache_is_made_again(tmp_path, cache, from_folder, decoded, damage):
    write(tmp_path / "data")
    good = from_folder()
    file = cache / load.OMNIGLOT_FILE
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[-5] ^= 1
    elif damage == "rename":
        content = content.replace(b"Made_up/character01", b"Made_up/character09", 1)
    file.write_bytes({"cut": content[:-1000], "empty": b""}.get(damage, content))
    again = from_folder()
    assert decoded == 2 * list(ZIPS)
    assert torch.equal(again.images, good.images)
    assert again.names == good.names


def test_a_cache_that_cannot_be_written_is_warned_of_and_left_whole(
    tmp_path, cache, from_folder, monkeypatch
):
    def full(file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write(tmp_path / "data")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="cannot be written to .No space left on device"):
        one = from_folder()
    assert list(cache.iterdir()) == []
    monkeypatch.undo()
    assert torch.equal(from_folder().images, one.images)
    assert [file.name for file in cache.iterdir()] == [load.OMNIGLOT_FILE]


def test_a_cache_of_something_else_is_not_used(cache):
    write_cached(cache / "x", torch.ones(3, dtype=torch.uint8), ["a"], {"decoding": "1"})
    assert read_cached(cache / "x", {"decoding": "2"}) is None
    images, names = read_cached(cache / "x", {"decoding": "1"})
    assert images.tolist() == [1, 1, 1]
    assert names == ("a",)


def test_the_folder_that_the_environment_names_must_be_right(tmp_path, monkeypatch):
    """It was meant, so nothing takes its place."""
    monkeypatch.setenv("MAML_EDU_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="nowhere does not exist; a source is a folder or auto, "):
        load_drawings()
    (tmp_path / "nowhere").mkdir()
    with pytest.raises(DataError, match="lacks images_background.zip; it needs images_background"):
        load_drawings()
    write(tmp_path / "nowhere")
    with pytest.raises(DataError, match="images_background.zip holds 3 characters instead of 964"):
        load_drawings(progress=False)


@pytest.fixture
def few_letters(monkeypatch):
    monkeypatch.setattr(load.standin, "glyphs", lambda: "AЖ你"[:2])


@pytest.fixture
def served_here(monkeypatch, server):
    """The release's address is this machine's."""
    monkeypatch.setattr(
        load, "from_release", lambda cache, progress, real=load.from_release: real(
            cache, url=server.url, parts=PARTS, progress=False
        )
    )  # fmt: skip


def test_by_itself_it_takes_the_release(served_here, recwarn):
    assert load_drawings().omniglot
    assert not [w for w in recwarn if issubclass(w.category, UserWarning)]  # as StandInWarning is


@pytest.mark.parametrize("status", [404, 503])
def test_without_the_release_the_stand_in_steps_in_and_says_so(
    served_here, few_letters, server, status
):
    server.answers = {name: [Answer(status=status)] for name in ZIPS}
    with pytest.warns(StandInWarning, match=f"answered {status}.*no figure from them is Omniglot"):
        stand_in = load_drawings()
    assert not stand_in.omniglot
    assert stand_in.source.startswith("stand-in, not Omniglot: 2 letters")
    with pytest.raises(DataError, match=f"answered {status}"):
        load_drawings("release")


def test_the_stand_in_can_be_asked_for(few_letters, cache):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = load_drawings("stand-in")
        load.forget()
        second = load_drawings("stand-in")
    assert torch.equal(first.images, second.images)
    assert [file.name for file in cache.iterdir()] == [load.STANDIN_FILE]
    assert first.names == ("Latin/capital letter a", "Cyrillic/capital letter zhe")


def test_the_drawings_are_in_memory_once(served_here, few_letters, tmp_path, monkeypatch):
    """Whether a bar was shown, and by which name they were asked for, makes no second copy."""
    release = load_drawings("release", progress=False)
    assert load_drawings("release", progress=True) is release
    assert load_drawings("auto") is release
    monkeypatch.setattr(load, "from_folder", lambda folder, cache, progress: object())
    mine = load_drawings(tmp_path)
    assert load_drawings(f"{tmp_path}/", progress=False) is mine
    monkeypatch.setenv("MAML_EDU_DATA", str(tmp_path))
    assert load_drawings() is mine
    load_drawings("stand-in")
    assert load_drawings("release") is not release  # only two are kept
