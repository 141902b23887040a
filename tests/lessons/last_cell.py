"""A plugin of pytest for `make lessons`: after each lesson's last cell, one that checks it.

The last lessons come first: they take the longest, and short ones leave no core idle at the end.
A lesson that passed is kept as it ran, outputs and widgets: the site's page is made from it.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.lessons.every_end import PICTURES
from tools.site import executed
from tools.site.stage import VIEW

SECONDS_FOR_AN_OUTPUT = 600  # after its cell's end; nbval's own 5 are too few on a busy machine
NAME = "every control at both ends"
SOURCE = """import sys
sys.path.insert(0, {root!r})
from tests.lessons.every_end import check, show_widgets
show_widgets()
check({lesson!r})"""


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        collector.cells = [*report.result, last_cell(collector, len(report.result))]
        collector.fingerprint = executed.fingerprint(collector.path)  # of what is run, so before
        report.result = list(collector.cells)
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name, reverse=True)  # within a lesson as they were
    for item in items:
        if isinstance(item, IPyNbCell):
            item.output_timeout = SECONDS_FOR_AN_OUTPUT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if call.when == "call" and isinstance(item, IPyNbCell):
        item.went_well = report.passed
        if item.name == NAME and executed.is_lesson(item.path) and went_well(item.parent):
            executed.keep(item.path.stem, item.parent.fingerprint, as_run(item.parent))
    return report


def went_well(lesson: IPyNbFile) -> bool:
    """Whether all its cells did; one may not have been asked for, as under `-k`."""
    return all(getattr(cell, "went_well", False) for cell in lesson.cells)


def last_cell(lesson: IPyNbFile, number: int) -> IPyNbCell:
    root = str(Path(__file__).parents[2])
    cell = nbformat.v4.new_code_cell(SOURCE.format(root=root, lesson=lesson.path.stem))
    return IPyNbCell.from_parent(
        lesson, name=NAME, cell_num=number, cell=cell, options=defaultdict(bool)
    )


def as_run(lesson: IPyNbFile) -> nbformat.NotebookNode:
    """The notebook with what its cells put out, a picture beside each player, and in its metadata
    the state of its widgets."""
    *cells, last = lesson.cells
    (shown,) = copy.deepcopy(last.test_outputs)
    pictures = shown["data"].pop(PICTURES)
    for item in cells:
        item.cell.outputs = copy.deepcopy(item.test_outputs)
        for output in item.cell.outputs:
            view = output.get("data", {}).get(VIEW, {})
            if picture := pictures.get(view.get("model_id")):
                output["data"]["image/png"] = picture
    notebook = copy.deepcopy(lesson.nb)
    notebook.metadata["widgets"] = shown["data"]
    return notebook
