"""The checks of code, lesson by lesson: nothing written is open, an error is told, never raised."""

from __future__ import annotations

import pytest

from maml_edu.exercises import (
    lesson04,
    lesson05,
    lesson06,
    lesson08,
    lesson09,
    lesson10,
    lesson11,
    lesson12,
)

LESSONS = (lesson04, lesson05, lesson06, lesson08, lesson09, lesson10, lesson11, lesson12)
CHECKS = [getattr(m, name) for m in LESSONS for name in dir(m) if name.startswith("check_")]


def no_answer(*arguments): ...


def unwritten(*arguments):
    raise NotImplementedError


def broken(*arguments):
    raise KeyError("w")


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_written_is_open_and_an_error_is_told(check):
    assert check(no_answer).state == "open"
    assert check(unwritten).state == "open"
    assert check(broken).state == "wrong"
    assert "KeyError" in check(broken).message
