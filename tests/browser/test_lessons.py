"""Every lesson, run in a real JupyterLab: no error, nothing from outside, readable by all."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import LESSONS
from tests.browser.lab import ROOT

SECONDS_TO_FIRST_WIDGET = 5.0


def test_there_are_lessons():
    assert LESSONS


def test_every_cell_ran_without_error_or_warning(lesson):
    code = [cell for cell in lesson.cells() if cell["cell_type"] == "code" and cell["source"]]
    assert all(cell["execution_count"] for cell in code), "some cells did not run"
    assert lesson.errors() == []


def test_the_browser_has_nothing_to_complain_about(lesson):
    assert lesson.page_errors == []
    assert lesson.console == []


def test_nothing_is_asked_from_outside(lesson):
    assert lesson.outside == []


def test_every_widget_is_drawn(lesson):
    lesson.screenshot()
    assert len(lesson.players()) == lesson.count_widgets()
    for player in lesson.players():
        assert player.locator("svg").first.bounding_box()["height"] > 50
        assert player.locator("svg path").count() > 0
        text = player.inner_text() + player.inner_html()
        assert "NaN" not in text
        assert "undefined" not in player.inner_text()


def test_the_outputs_are_accessible(lesson):
    """axe-core finds no violation in what the cells put out."""
    if not lesson.outputs():
        pytest.skip("this lesson puts nothing out")
    found = Axe().run(lesson.page, context={"include": [[".jp-OutputArea-output"]]}).response
    problems = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert found["passes"], "axe-core looked at nothing"
    assert problems == []


def test_saving_in_jupyterlab_keeps_the_text(lesson):
    """A save writes the lesson's text too, and does not change a byte of it."""
    text = lesson.lab.root / "notebooks" / "text" / f"{lesson.name}.py"
    text.unlink()
    lesson.save()
    assert text.read_text("utf-8") == (ROOT / "notebooks/text" / text.name).read_text("utf-8")


def test_the_first_widget_shows_soon(lesson):
    if lesson.first_widget is None:
        pytest.skip("only of the first lesson")
    cell, lesson_so_far = lesson.first_widget
    print(
        f"\nfirst widget of {lesson.name}: {cell:.2f} s after its cell, "
        f"{lesson_so_far:.2f} s after the first cell (bar: {SECONDS_TO_FIRST_WIDGET} s)"
    )
    assert cell <= SECONDS_TO_FIRST_WIDGET
