"""The check that `make lessons` adds to each lesson can fail, and names the corner that does."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from ipywidgets.widgets import widget
from nbval.plugin import IPyNbCell

from maml_edu.views import plots
from maml_edu.views.widgets import ByHand, Choice, Player, Slider, Toggle, explore
from tests.lessons import every_end, last_cell
from tests.lessons.every_end import PICTURES, STATE, check, corners, ends, problems
from tests.lessons.last_cell import as_run
from tests.views import made_up
from tools.site.stage import VIEW

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
LESSON = """import sys
sys.path.insert(0, {root!r})
from tests.lessons.test_every_end import explorer_with, made_up, too_large
for fault in {faults}:
    explorer = explorer_with(fault)"""


def too_large():
    raise ValueError("rate is 2; with noise it is below 2")


def warned():
    warnings.warn("divided by zero", RuntimeWarning, stacklevel=1)
    return made_up.adaptation()


def empty():
    trace = made_up.adaptation()
    return dataclasses.replace(trace, curves=np.full_like(trace.curves, np.nan))


def explorer_with(fault):
    """One that does as `fault` does where rate is 2 and there is noise, and is right elsewhere."""
    return explore(
        lambda rate, noise: fault() if rate == 2 and noise else made_up.adaptation(),
        rate=Slider("rate", 0, 2, value=1),
        noise=Toggle("noise"),
    )


def test_the_corners_are_all_ends_alone_and_in_pairs():
    explorer = explore(
        lambda a, b, c: made_up.adaptation(),
        a=Slider("a", 0, 9), b=Toggle("b"), c=Choice("c", ["x", "y", "z"]),
    )  # fmt: skip
    assert ends(explorer) == {"a": (0, 9), "b": (False, True), "c": ("x", "z")}
    found = corners(explorer)
    assert len(found) == 3 * 2 + 3 * 4
    assert {"a": 9} in found
    assert {"b": True, "c": "z"} in found


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (too_large, "rate is 2; with noise it is below 2"),
        (warned, "RuntimeWarning: divided by zero"),
        (empty, "AssertionError: no picture"),
    ],
)
def test_a_broken_corner_is_named(fault, words):
    assert list(problems(explorer_with(fault))) == [({"rate": 2, "noise": True}, words)]


def test_points_by_hand_are_put_wherever_they_are_hard_to_learn_from():
    asked = []

    def compute(points):
        asked.append(points)
        if len(points) == 20:
            raise ValueError("too many for me")
        return made_up.by_hand(len(points))

    found = list(problems(ByHand(compute)))
    assert [len(corner["points"]) for corner, _ in found] == [20, 20, 20]  # alone, at both steps
    assert {words for _, words in found} == {"too many for me"}
    sizes = {len(points) for points in asked}
    assert sizes == {0, 1, 4, 5, 20}
    columns = [{x for x, _ in points} for points in asked if len(points) == 5]
    assert {0.5} in columns


def test_a_lesson_without_an_explorer_is_named(monkeypatch):
    monkeypatch.setattr(widget, "_instances", {})
    check("31_faster_larger")
    with pytest.raises(AssertionError, match="01_bare has no explorer"):
        check("01_bare")


def test_nbval_waits_for_outputs_on_a_busy_machine():
    cell = IPyNbCell.__new__(IPyNbCell)
    cell.path, cell.output_timeout = Path("01_right.ipynb"), 5
    last_cell.pytest_collection_modifyitems([cell])
    assert cell.output_timeout >= 300


def test_it_is_the_last_cell_of_every_lesson(root, tmp_path):
    # made anew under one name: the reader may still move the first
    lessons = {"01_right": "[made_up.adaptation]", "02_wrong": "[too_large, made_up.adaptation]"}
    for name, faults in lessons.items():
        cells = [nbformat.v4.new_code_cell(LESSON.format(root=str(root), faults=faults))]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    options = "-q --nbval-lax --nbval-current-env -p no:cacheprovider -p tests.lessons.last_cell"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), str(tmp_path)],
        cwd=root, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "02_wrong.ipynb::every control at both ends" in done.stdout
    assert "explorer 1 (rate, noise) at {'rate': 2, 'noise': True" in done.stdout
    assert f"-p {options.split()[-1]} " in (root / "Makefile").read_text("utf-8")


def test_a_lesson_as_it_ran_has_a_picture_beside_each_player():
    """For pages without JavaScript; a display itself makes none."""
    outputs = [{"data": {VIEW: {"model_id": key}, "text/plain": key}} for key in ("player", "quiz")]
    shown = {"data": {STATE: {"state": {}}, PICTURES: {"player": "iVBOR"}}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()], metadata=KERNEL)
    cells = [SimpleNamespace(cell=notebook.cells[0], test_outputs=outputs),
             SimpleNamespace(test_outputs=[shown])]  # fmt: skip
    ran = as_run(SimpleNamespace(nb=notebook, cells=cells))
    player, quiz = (output["data"] for output in ran.cells[0].outputs)
    assert player["image/png"] == "iVBOR"
    assert set(quiz) == {VIEW, "text/plain"}
    assert ran.metadata["widgets"] == {STATE: {"state": {}}}


def test_each_player_gives_its_picture_by_its_model(monkeypatch):
    player, seen = Player(made_up.adaptation(2)), []
    monkeypatch.setattr(widget, "_instances", {"one": player})
    monkeypatch.setattr(every_end, "display", lambda data, raw: seen.append(data))
    every_end.show_widgets()
    (data,) = seen
    assert data[PICTURES] == {"one": plots.png(plots.picture(player.trace, 0))}
    assert data[PICTURES]["one"].startswith("iVBOR")
