"""The scene of a landscape: contours at their heights, every task's path, words at each step."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from maml_edu.views.scenes.landscape import LEVELS, levels
from tests.views import made_up
from tests.views.scenes.test_scenes import drawn


def marks_of(trace):
    panel = drawn(trace)["panels"][0]
    assert panel["id"] == "landscape"
    return {mark["name"]: mark for mark in panel["marks"]}


def test_contours_lie_at_their_heights():
    trace = made_up.landscape()
    found = []
    for line in marks_of(trace)["equal support loss"]["lines"]:
        x, y = np.array(line).T
        heights = 0.1 + (x + 1) ** 2 + 3 * (y - 0.5) ** 2
        nearest = levels(trace.height)[np.argmin(abs(levels(trace.height) - heights.mean()))]
        assert heights == pytest.approx(nearest, abs=0.03)  # the grid is coarse
        found.append(nearest)
    assert len(set(found)) == LEVELS


def test_contours_are_a_factor_apart():
    ratios = np.diff(np.log(levels(made_up.landscape().height)))
    assert ratios == pytest.approx(ratios[0])
    assert len(levels(np.zeros((3, 3)))) == 0


def test_each_task_has_its_path_and_the_chosen_one_its_loss():
    trace = made_up.landscape()
    marks = marks_of(trace)
    for name, path in trace.paths.items():
        np.testing.assert_allclose(
            np.transpose([marks[name]["x"], marks[name]["y"]]), path, atol=1e-3
        )
    assert marks["task 1"]["readout"][0] == "support loss 1.85"
    assert marks["task 2"]["readout"] is None
    other = dataclasses.replace(trace, task="task 2", on="query")
    assert marks_of(other)["task 2"]["readout"][0] == "query loss 2.22"
    assert (marks["theta"]["x"], marks["theta"]["y"]) == ([0], [0])


def test_words_tell_the_losses_and_where_the_task_is():
    first, *_, last = drawn(made_up.landscape())["summary"]
    assert "Loss at inner step 0: support 1.85; query 2.22" in first
    assert "task 1 is at (0, 0)" in first
    assert "task 1 is at (-0.953, 0.477)" in last


def test_a_path_that_leaves_is_said_and_blanked_after():
    trace = made_up.landscape(growth=3.0)  # task 1 at (2, -1) after one step, task 2 at (-3, -3)
    made = drawn(trace)
    panel = made["panels"][0]
    assert panel["notes"][0] is None
    assert panel["notes"][1] == "left the picture: task 2 at step 1"
    assert "task 1 at step 2" in made["summary"][-1]
    assert marks_of(trace)["task 1"]["x"][3:] == [None] * 4
    assert panel["x"]["domain"] == [-2, 2]  # the picture itself does not give way
