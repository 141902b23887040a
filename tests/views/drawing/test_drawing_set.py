"""A set of drawings: as JSON and back, on disk, and a sentence for whatever is wrong with one."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from maml_edu.views.drawing import Drawing, DrawingSet, files
from maml_edu.views.drawing.drawing_set import read_drawing, read_drawing_set

Z = Drawing("strokes", (((8.0, 8.5), (20.0, 8.0)), ((3.0, 100.0),)))
GREY = Drawing.of_grey(np.arange(784, dtype=np.uint8).reshape(28, 28))
INK = Drawing.of_ink(np.random.default_rng(0).random((105, 105)) > 0.9)
SET = DrawingSet(((Z, None), (INK, GREY), (GREY, Z)), Z)


def test_json_and_back():
    assert read_drawing_set(json.loads(json.dumps(SET.as_json()))) == SET
    assert (GREY.pixels == np.arange(784).astype(np.uint8).reshape(28, 28)).all()
    assert Drawing.of_ink(INK.pixels) == INK
    with pytest.raises(ValueError, match="kind is 'strokes'.* 'grey' or 'ink'"):
        _ = Z.pixels


def test_what_is_missing_is_named():
    assert (SET.way, SET.shots, SET.missing) == (3, 2, "")
    assert DrawingSet(((Z,), (None,)), Z).missing == "B"
    assert DrawingSet(((None,), (None,)), Z).missing == "A and B"
    assert DrawingSet(((None,), (Z,), (None,)), None).missing == "A, C and the query"


def changed(path, value):
    made = copy.deepcopy(SET.as_json())
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return made


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "a set of drawings is []; it must be an object of format"),
        ({}, "format is None; it must be 'maml_edu drawings 1'"),
        (changed(["format"], "2"), "format is '2'"),
        (changed(["qwery"], None), "an object of format, support and query"),
        (changed(["support"], []), "support is []; it must be a list of 2 to 5 classes"),
        (changed(["support"], {"A": 1}), "support is {'A': 1}"),
        (changed(["support", 1], [None] * 4), "class B is [None, None, None, None]; it must be a "),
        (changed(["support", 1], [None]), "class B is [None]; it must be as long as class A, 2"),
        (changed(["support", 0, 1], 3), "A2 is 3; it must be an object with one of strokes, ink"),
        (changed(["query"], {"line": []}), "query is {'line': []}; it must be an object with"),
        (changed(["query"], {"ink": 5}), "query: ink is 5; it must be 1379 bytes in base64"),
        (changed(["query"], {"ink": "§"}), "query: ink is '§'; it must be 1379 bytes in"),
        (changed(["query"], {"grey": "AAAA"}), "query: grey is 'AAAA'; it must be 784 bytes in"),
        (
            changed(["query"], {"strokes": []}),
            "query: strokes is []; it must be a list of 1 to 200",
        ),
        (changed(["query"], {"strokes": [[]]}), "query: a stroke is []; it must be a list of 1 to"),
        (changed(["query"], {"strokes": [[[1, 106]]]}), "query: a point is [1, 106]; it must be"),
        (changed(["query"], {"strokes": [[[1, True]]]}), "query: a point is [1, True]"),
        (changed(["query"], {"strokes": [[[1]]]}), "query: a point is [1]"),
        (changed(["query"], {"strokes": [[[1, float("nan")]]]}), "query: a point is [1, nan]"),
        (
            changed(["query"], {"strokes": [[[1, 2]] * 2501] * 2}),
            "query: the number of points is 5002; it must be at most 5000",
        ),
    ],
)
def test_one_sentence_names_what_is_wrong(value, words):
    with pytest.raises(ValueError) as caught:
        read_drawing_set(value)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 140


def test_a_drawing_by_itself():
    assert read_drawing(Z.as_json()) == Z
    assert read_drawing(None) is None
    with pytest.raises(ValueError, match="the drawing is 3; it must be an object"):
        read_drawing(3)
    with pytest.raises(ValueError, match=r"image is float64 \(28, 28\); it must be uint8"):
        Drawing.of_grey(np.zeros((28, 28)))
    with pytest.raises(ValueError, match=r"ink is bool \(28, 28\); it must be bool \(105, 105\)"):
        Drawing.of_ink(np.zeros((28, 28), bool))


def test_to_disk_and_back(tmp_path):
    file = tmp_path / "mine.json"
    files.save(file, SET)
    assert files.load(file) == SET
    assert [path.name for path in tmp_path.iterdir()] == ["mine.json"]
    assert file.stat().st_size < 20_000


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ("", "does not hold valid JSON"),
        ("[1]", "does not hold a JSON object"),
        ('{"format": "maml_edu drawings 1"}', "support is None"),
        (" " * (2**20 + 1), "1,048,576 bytes"),
    ],
)
def test_a_bad_file_is_told_by_name(tmp_path, content, words):
    file = tmp_path / "bad.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match="bad.json") as caught:
        files.load(file)
    assert words in str(caught.value)


def test_where_it_cannot_be_written_nothing_is(tmp_path):
    with pytest.raises(ValueError, match="cannot be written"):
        files.save(tmp_path / "nowhere" / "mine.json", SET)
    assert list(tmp_path.iterdir()) == []
