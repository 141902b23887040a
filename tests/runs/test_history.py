"""history.csv: each step has its line once, whatever happened to the run."""

from __future__ import annotations

import math

import pytest

from maml_edu.outer import TrainState
from maml_edu.runs.history import COLUMNS, FILE, History, read


def state(step: int) -> TrainState:
    return TrainState(step, {}, {}, None, math.nan if step == 0 else 1 / step)


@pytest.fixture
def history(tmp_path) -> History:
    """Three steps and two validations; the start has no loss, so it has no line."""
    history = History(tmp_path, -1)
    for step in (0, 10, 20, 30):
        history.add(state(step), (step / 10, step / 20))
        if step in (10, 30):
            history.validation((step, 1.0, 0.9, 0.01))
    return history


def steps(history: History) -> list[tuple[int, bool]]:
    """The step of each line, and whether it is a validation's."""
    return [(int(r["step"]), r["half_width"] != "") for r in read(history.path)]


WHOLE = [(10, False), (10, True), (20, False), (30, False), (30, True)]


def test_a_line_has_what_its_header_says(history):
    assert steps(history) == WHOLE
    first, validation, *_ = read(history.path)
    assert history.path.read_text().splitlines()[0] == ",".join(COLUMNS)
    assert (first["seconds"], first["cpu_seconds"], first["meta_loss"]) == ("1.0", "0.5", "0.1")
    assert (validation["validation_accuracy"], validation["half_width"]) == ("0.9", "0.01")


@pytest.mark.parametrize("at", [-1, 0, 10, 20, 25, 30])
def test_going_on_from_a_step_repeats_and_loses_no_line(history, tmp_path, at):
    again = History(tmp_path, at)
    assert steps(again) == [row for row in WHOLE if row[0] <= at]
    for step in (10, 20, 30):  # as a resumed run does: it takes its state anew, and validates it
        if step >= at:
            again.add(state(step), (9.0, 9.0))
            if step in (10, 30):
                again.validation((step, 1.0, 0.9, 0.01))
    assert steps(again) == WHOLE


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_short_is_dropped(history, tmp_path, cut):
    """Also where it looks whole: 0.01 cut to 0.0."""
    content = history.path.read_bytes()
    last = content.rstrip(b"\n").rpartition(b"\n")[2]
    assert last == b"30,,1.0,,0.9,0.01"
    history.path.write_bytes(content[: -min(cut, len(last) + 1)])
    assert steps(History(tmp_path, 30)) == WHOLE[:-1]


@pytest.mark.parametrize("line", [b"x,1,1,1,,\n", b"\xff\x00\n", b"1,2\n", b"1,2,3,4,5,6,7\n"])
def test_a_line_that_is_none_is_dropped(history, tmp_path, line):
    history.path.write_bytes(history.path.read_bytes() + line)
    assert steps(History(tmp_path, 30)) == WHOLE


def test_only_the_first_worker_writes(tmp_path):
    silent = History(tmp_path, -1, writes=False)
    silent.add(state(10), (1.0, 1.0))
    silent.validation((10, 1.0, 0.9, 0.01))
    assert not (tmp_path / FILE).exists()
