"""history.csv: each step has its line once, whatever happened to the run."""

from __future__ import annotations

import pytest

from maml_edu.runs.history import COLUMNS, FILE, History, read


def loss(history: History, step: int) -> None:
    history.add(step, seconds=step / 10, cpu_seconds=step / 20, meta_loss=1 / step)


def validation(history: History, step: int) -> None:
    history.add(step, cpu_seconds=1.0, validation_accuracy=0.9, half_width=0.01)


@pytest.fixture
def history(tmp_path) -> History:
    """Three steps and two validations."""
    history = History(tmp_path, -1)
    for step in (10, 20, 30):
        loss(history, step)
        if step in (10, 30):
            validation(history, step)
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
            loss(again, step)
            if step in (10, 30):
                validation(again, step)
    assert steps(again) == WHOLE


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_short_is_dropped(history, tmp_path, cut):
    """Also where it looks whole: 0.01 cut to 0.0."""
    content = history.path.read_bytes()
    last = content.rstrip(b"\n").rpartition(b"\n")[2]
    assert last == b"30,,1.0,,0.9,0.01"
    history.path.write_bytes(content[: -min(cut, len(last) + 1)])
    assert steps(History(tmp_path, 30)) == WHOLE[:-1]


def test_only_the_first_worker_writes(tmp_path):
    silent = History(tmp_path, -1, writes=False)
    loss(silent, 10)
    validation(silent, 10)
    assert not (tmp_path / FILE).exists()
