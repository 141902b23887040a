"""Every lesson, run in a real JupyterLab: no error, nothing from outside, readable by all."""

from __future__ import annotations

import os
import re

import nbformat
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import LESSONS


def test_every_cell_ran_without_error_or_warning(lesson):
    assert lesson.errors() == []
    code = [cell for cell in lesson.cells() if cell["cell_type"] == "code" and cell["source"]]
    assert [cell["source"] for cell in code if not cell["execution_count"]] == []


def test_the_browser_has_nothing_to_complain_about(lesson):
    assert lesson.page_errors == []
    assert lesson.console == []


def test_nothing_is_asked_from_outside(lesson):
    assert lesson.outside == []


def test_every_widget_is_drawn(lesson):
    assert lesson.screenshots()
    assert len(lesson.players()) + len(lesson.quizzes()) == lesson.count_widgets()
    for player in lesson.players():
        boxes = [svg.bounding_box() for svg in player.locator("svg").all()]
        least = 100 if player.locator("svg image").count() else 150  # a drawing may be a small one
        assert max(box["height"] for box in boxes) > least, "no picture, at most a legend"
        assert player.locator("svg path, svg image").count() > 0
        text = player.inner_text() + re.sub(r"base64,[\w+/=]+", "", player.inner_html())
        assert "NaN" not in text
        assert "undefined" not in player.inner_text()


def test_the_outputs_are_accessible(lesson):
    """axe-core finds no violation in what the cells put out."""
    found = Axe().run(lesson.page, context={"include": [[".jp-OutputArea-output"]]}).response
    problems = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    assert found["passes"], "axe-core looked at nothing"
    assert problems == []


def test_a_save_writes_the_notebook_alone(lesson):
    """With its outputs and the state of its widgets, and nothing that pairs it with its text."""
    text = lesson.lab.root / "notebooks" / "text" / f"{lesson.name}.py"
    os.utime(text, (0, 0))
    lesson.save()
    saved = nbformat.read(lesson.file, as_version=4)
    assert any(cell.get("outputs") for cell in saved.cells)
    assert set(saved.metadata) <= {"kernelspec", "language_info", "widgets"}
    assert text.stat().st_mtime == 0


def test_how_soon_the_first_widget_shows(lessons):
    lesson = lessons[LESSONS[0]]
    cell, lesson_so_far = lesson.first_widget
    print(
        f"\nfirst widget of {lesson.name}: {cell:.2f} s after its cell, "
        f"{lesson_so_far:.2f} s after the first cell"
    )
    assert 0 < cell <= lesson_so_far
