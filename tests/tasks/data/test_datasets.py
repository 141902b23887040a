"""A data set: found in a folder, carried, or fetched; checked; or a stand-in that says so."""

from __future__ import annotations

import hashlib
import os

import pytest

from maml_edu.tasks.data import DataError, DataSet, Remote, StandInWarning, datasets, or_stand_in
from tests.tasks.data.conftest import Answer

FILES = {"words.json": b'{"a": 1}', "more.csv": b"1,2\n"}


@pytest.fixture
def data(server) -> DataSet:
    server.answers.update({name: [Answer(content)] for name, content in FILES.items()})
    digest = {name: f"sha256:{hashlib.sha256(c).hexdigest()}" for name, c in FILES.items()}
    files = {name: Remote(server.url + name, digest[name]) for name in FILES}
    return DataSet("made_up", files, licence="CC BY 4.0", citation="Nobody 2026")


def put(folder):
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def test_it_is_fetched_once(data, server, tmp_path):
    assert data.read(progress=False) == data.read("release", progress=False) == FILES
    assert server.asked == list(FILES)
    assert (tmp_path / "cache" / "made_up" / "words.json").is_file()


@pytest.mark.parametrize("below", ["", "made_up"])
def test_a_folder_or_its_subfolder(data, server, tmp_path, below):
    put(tmp_path / "here" / below)
    assert data.read(tmp_path / "here") == FILES
    assert server.asked == []


def test_auto_takes_the_first_of_several_folders_that_has_it(data, server, tmp_path, monkeypatch):
    put(tmp_path / "two" / "made_up")
    (tmp_path / "one").mkdir()
    named = os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")])
    monkeypatch.setenv("MAML_EDU_DATA", named)
    assert data.read() == FILES
    assert server.asked == []


def test_auto_takes_what_the_package_carries(data, server, tmp_path, monkeypatch):
    put(tmp_path / "carried" / "made_up")
    monkeypatch.setattr(datasets, "CARRIED", tmp_path / "carried")
    assert data.read() == FILES
    assert server.asked == []


def test_a_folder_without_it_says_what_it_needs(data, tmp_path):
    with pytest.raises(DataError, match=r"has no made_up; it needs words\.json, more\.csv"):
        data.read(tmp_path)


def test_a_damaged_file_is_named(data, tmp_path):
    folder = put(tmp_path / "here")
    (folder / "more.csv").write_bytes(b"1,3\n")
    with pytest.raises(DataError, match=r"more\.csv is not the released file of made_up"):
        data.read(folder)


def test_a_stand_in_says_why(data, server):
    server.answers["words.json"] = [Answer(status=404)]

    def real():
        return data.read(progress=False)

    with pytest.warns(StandInWarning, match=r"404 Not Found\. Made-up data stand in for it"):
        assert or_stand_in(real, dict, "it") == {}
