"""A reader's work is in the file that JupyterLab opens: players, and what another editor wrote."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.driver import STEP_DRAWN, Lesson
from tests.browser.lab import ROOT
from tests.browser.test_harness import KERNEL

PLAYER = f"""import sys
sys.path.insert(0, {str(ROOT)!r})
from maml_edu.views.widgets import Player
from tests.views import made_up
Player(made_up.adaptation())"""
SOLVED = "def mine(x):\n    return 2 * x"
MOST_BYTES = 400_000  # of one player's state, its code included


def write(path: Path, *sources: str) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), path)


@pytest.fixture
def reopened(context, lab) -> Lesson:
    """A notebook with a player: run, saved, its kernel shut down, closed and opened again."""
    write(lab.root / "notebooks" / "95_again.ipynb", PLAYER)
    lesson = Lesson(context, lab, "95_again")
    lesson.start_all()
    lesson.wait()
    lesson.save()
    lesson.shut_down()
    lesson.close()
    lesson = Lesson(context, lab, "95_again")
    yield lesson
    lesson.close()


def test_a_lesson_that_is_opened_again_shows_its_players(reopened):
    lesson = reopened
    player = lesson.page.locator(".maml-player")
    expect(player.locator("svg").first).to_be_visible()
    expect(lesson.page.locator(".jp-Notebook")).not_to_contain_text("Error displaying widget")
    slider = player.locator("input.maml-step")
    slider.focus()
    slider.press("Home")
    lesson.latency(slider, "ArrowRight", "keydown", STEP_DRAWN)
    assert player.get_attribute("data-step") == "1"
    assert lesson.page_errors == []
    state = nbformat.read(lesson.file, as_version=4).metadata["widgets"]
    size = len(json.dumps(state))
    print(f"\nthe state of one player: {size / 1000:.0f} KB")
    assert size < MOST_BYTES


def test_what_another_editor_wrote_is_opened_and_kept(context, lab):
    path = lab.root / "notebooks" / "94_elsewhere.ipynb"
    (lab.root / "notebooks" / "text" / "94_elsewhere.py").write_text("# %%\nx = 1\n", "utf-8")
    write(path, "x = 1")
    Lesson(context, lab, "94_elsewhere").close()
    write(path, SOLVED)
    lesson = Lesson(context, lab, "94_elsewhere")
    assert [cell["source"] for cell in lesson.cells()] == [SOLVED]
    lesson.save()
    lesson.close()
    saved = nbformat.read(path, as_version=4)
    assert [cell.source for cell in saved.cells] == [SOLVED]
    assert "jupytext" not in saved.metadata
