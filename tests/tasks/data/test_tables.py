"""Tables: CSV files, dicts of arrays, structured arrays; and what is said of bad ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maml_edu.tasks import Classes, Curves

LINES = [
    "t, position,spring,wide",
    *(f"{t},{2 * t},s{s},{s / 10}" for s in range(5) for t in range(4)),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "springs.csv"
    path.write_text("\n".join(LINES) + "\n\n", encoding="utf-8-sig")
    return path


def test_a_csv_file_gives_curves_and_classes(file):
    curves = Curves.from_table(file, x=["t"], y=["position"], task="spring")
    x, y = curves.samples("s3")
    assert torch.equal(y, 2 * x)
    assert len(x) == 4
    both = Curves.from_table(file, x=["t", "wide"], y=["position", "t"], task="spring")
    assert both.x.shape == both.y.shape == (20, 2)
    classes = Classes.from_table(file, x=["t", "position"], label="spring")
    assert list(classes.groups.rows) == ["s0", "s1", "s2", "s3", "s4"]


def test_columns_in_memory_are_the_same():
    columns = {"t": np.arange(6.0), "y": np.arange(6) * 2, "who": [0, 0, 0, 1, 1, 1]}
    curves = Curves.from_table(columns, x=["t"], y=["y"], task="who")
    assert list(curves.groups.rows) == ["0", "1"]
    rows = np.array([(0.5, "a"), (1.5, "b")], dtype=[("t", float), ("who", "U1")])
    data = Classes.from_table(rows, x=["t"], label="who", fewest=1)
    assert data.x.tolist() == [[0.5], [1.5]]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("t,y,s\n1,2,a\n1,x,a\n", "column y has .*'x'.* in row 2; it must be a number"),
        ("t,y,s\n1,2,a\n1,,a\n", "column y has .*''.* in row 2; it must be a number"),
        (
            "t,y,s\n1,2,a\n1,2\n",
            "line 3 has 2 fields and the first line 3; is the separator a comma",
        ),
        ("t,y,s\n1,2,a\n1,2,\n", "task is missing in row 2"),
        ("t,y,s\n1,nan,a\n1,2,a\n", "y has a value in row 0 that is not a finite number"),
        ("t;y;s\n1;2;a\n", "there is no column 't'; the table has one of t;y;s"),
        ("", "is no CSV file in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, says):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        Curves.from_table(path, x=["t"], y=["y"], task="s")


def test_what_is_asked_for_wrongly_is_named(file, tmp_path):
    with pytest.raises(ValueError, match="there is no column 'mass'; the table has one of t, pos"):
        Curves.from_table(file, x=["mass"], y=["position"], task="spring")
    with pytest.raises(ValueError, match="columns are 't'; give a list of their names"):
        Curves.from_table(file, x="t", y=["position"], task="spring")
    with pytest.raises(ValueError, match=r"none\.csv cannot be read: No such file"):
        Curves.from_table(tmp_path / "none.csv", x=["t"], y=["y"], task="s")
