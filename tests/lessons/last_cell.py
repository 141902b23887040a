"""A plugin of pytest for `make lessons`: after each lesson's last cell, one that checks it.

The last lessons come first: they take the longest, and short ones leave no core idle at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

NAME = "every control at both ends"
SOURCE = """import sys
sys.path.insert(0, {root!r})
from tests.lessons.every_end import check
check({lesson!r})"""


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        report.result.append(last_cell(collector, len(report.result)))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name, reverse=True)  # within a lesson as they were


def last_cell(lesson: IPyNbFile, number: int) -> IPyNbCell:
    root = str(Path(__file__).parents[2])
    cell = nbformat.v4.new_code_cell(SOURCE.format(root=root, lesson=lesson.path.stem))
    return IPyNbCell.from_parent(
        lesson, name=NAME, cell_num=number, cell=cell, options=defaultdict(bool)
    )
