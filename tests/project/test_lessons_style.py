"""How a lesson is laid out: one idea a cell, prose before code, aims first, a recap last."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import nbformat
import pytest

import maml_edu
from tools import sync_notebooks

NOTEBOOKS = sorted(sync_notebooks.NOTEBOOKS.glob("[0-9]*.ipynb"))
MEDIAN_LINES, MOST_LINES = 6, 20
SOLUTION = re.compile(r"### BEGIN SOLUTION.*?### END SOLUTION", re.S)
LARGEST_BYTES = 200_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def lesson(request) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def lines_of(source: str) -> int:
    """Lines of code to read: without blank ones, and without the exercise's solution."""
    return sum(bool(line.strip()) for line in SOLUTION.sub("", source).splitlines())


def code_cells(lesson: nbformat.NotebookNode) -> list[str]:
    """The lesson's own, without the one for Colab."""
    return [cell.source for cell in lesson.cells[1:] if cell.cell_type == "code"]


def test_there_are_lessons():
    assert NOTEBOOKS


def test_lessons_have_numbers_of_their_own():
    """The first digit is the part, and each part counts from 0; a part has ten lessons at most."""
    numbers = [path.stem[:2] for path in NOTEBOOKS]
    assert len(numbers) == len(set(numbers)) > 10
    assert {number[0] for number in numbers} <= set("0123")


@pytest.mark.parametrize("name", sync_notebooks.lesson_names())
def test_text_and_notebook_agree(name):
    assert sync_notebooks.read_notebook(name), f"{name}.ipynb is missing: run `make notebooks`"
    assert (sync_notebooks.TEXT / f"{name}.py").exists(), f"text/{name}.py is missing"
    differing = [path.name for path, _ in sync_notebooks.stale(name)]
    assert differing == [], "run `make notebooks`"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_stored(path: Path):
    raw = json.loads(path.read_text("utf-8"))
    for cell in raw["cells"]:
        assert not cell.get("outputs"), cell["id"]
        assert cell.get("execution_count") is None, cell["id"]
    assert "widgets" not in raw["metadata"]
    assert path.stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_a_sound_notebook(path: Path):
    nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))
    ids = [cell["id"] for cell in json.loads(path.read_text("utf-8"))["cells"]]
    assert len(ids) == len(set(ids))


def test_cells_are_short(lesson):
    lengths = [lines_of(source) for source in code_cells(lesson)]
    assert statistics.median(lengths) <= MEDIAN_LINES, sorted(lengths)
    long = [source for source in code_cells(lesson) if lines_of(source) > MOST_LINES]
    assert long == []


def test_prose_stands_before_each_code_cell(lesson):
    """Two code cells in a row share the prose above them; three in a row want some between."""
    in_a_row = 2
    for cell in lesson.cells[1:]:
        in_a_row = in_a_row + 1 if cell.cell_type == "code" else 0
        assert in_a_row <= 2, f"no prose before: {cell.source[:200]}"


def test_it_begins_with_aims_and_ends_with_a_recap(lesson):
    first, last = lesson.cells[1], lesson.cells[-1]
    assert first.cell_type == last.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert re.search(r"you (can|will be able)|aims?\b", first.source, re.I), first.source
    assert re.search(r"recap|what you (know|have|saw)|what to try", last.source, re.I), last.source


def test_it_begins_with_the_cell_for_colab(lesson):
    """Folded, the same in all, at this package's version; elsewhere it does nothing."""
    colab = lesson.cells[0]
    assert colab.metadata == {"jupyter": {"source_hidden": True}, "tags": ["colab"]}
    assert colab.source == sync_notebooks.COLAB
    assert f"-b v{maml_edu.__version__} " in colab.source
    condition, body = colab.source.split("\nif ")[1].split(":\n", 1)
    assert condition == '"google.colab" in sys.modules'
    assert all(line.startswith("    ") for line in body.splitlines())


def test_progress_is_shown_before_the_recap(lesson):
    shown = [cell.source for cell in lesson.cells if "exercises.progress(" in cell.source]
    number = lesson.cells[0].id.split("-")[1]
    assert shown == [f'exercises.progress("{number}")']
    *_, before, last = lesson.cells
    assert before.source == shown[0]
    assert last.source.startswith("## Recap")


def test_claims_are_asserted(lesson):
    assert any(re.search(r"^\s*assert ", source, re.M) for source in code_cells(lesson))


def test_it_has_exercises_with_solutions(lesson):
    text = "\n".join(cell.source for cell in lesson.cells)
    exercises = len(SOLUTION.findall(text))
    assert text.count("### BEGIN SOLUTION") == text.count("### END SOLUTION") == exercises
    assert 2 <= exercises <= 4


def test_every_heading_level_follows_the_one_above(lesson):
    """Screen readers travel by headings."""
    level = 0
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"```.*?```", "", cell.source, flags=re.S)
            for marks in re.findall(r"^(#+) ", prose, re.M):
                assert len(marks) <= level + 1, cell.source[:100]
                level = len(marks)


def test_words_are_the_fields(lesson):
    """Support and query: never a train set and a test set within a task."""
    prose = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    wrong = re.findall(r"\b(?:train|test) (?:points|shots|examples of the task)\b", prose, re.I)
    assert wrong == []


def test_links_between_files_lead_somewhere(lesson):
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", cell.source):
                assert (sync_notebooks.NOTEBOOKS / target).exists(), target
