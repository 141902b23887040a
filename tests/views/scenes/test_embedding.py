"""The scene of an embedding: every point where the trace has it, prototypes by shots, words."""

from __future__ import annotations

import numpy as np

from tests.views import made_up
from tests.views.scenes.test_scenes import drawn

TRACE = made_up.embedding()


def panel(name: str) -> dict:
    return next(p for p in drawn(TRACE)["panels"] if p["id"] == name)


def marks_of(role: str) -> list[dict]:
    return [mark for mark in panel("features")["marks"] if mark["role"] == role]


def test_each_class_has_its_queries_and_its_prototypes_way():
    for label, role in enumerate(("1", "2", "3")):
        (query,), (way,) = marks_of(f"query-{role}"), marks_of(f"series-{role}")
        own = TRACE.query[2, TRACE.query_labels == label]
        seen = np.transpose([query["frames"][2]["x"], query["frames"][2]["y"]])
        np.testing.assert_allclose(seen, own, atol=1e-3)
        assert way["name"] == "ABC"[label]
        assert way["x"][0] is None  # nothing is known of it
        np.testing.assert_allclose(
            np.transpose([way["x"][1:], way["y"][1:]]), TRACE.prototypes[1:, label], atol=1e-3
        )


def test_support_drawings_come_one_by_one():
    (mark,) = marks_of("support-2")
    shown = [sum(x is not None for x in frame["x"]) for frame in mark["frames"]]
    assert shown == [0, 1, 2, 3, 4]


def test_accuracy_is_the_traces_and_begins_with_guessing():
    right = next(m for m in panel("accuracy")["marks"] if m["kind"] == "trail")
    np.testing.assert_allclose(right["y"], [1 / 3, 1 / 3, 1, 1, 1], atol=1e-3)
    assert right["x"] == [0, 1, 2, 3, 4]
    assert marks_of("series-1")[0]["readout"][:2] == ["not seen yet", "2 of 2 right"]
    assert marks_of("series-2")[0]["readout"][1:3] == ["0 of 2 right", "2 of 2 right"]


def test_words_tell_the_shots_and_the_queries_that_are_right():
    summary = drawn(TRACE)["summary"]
    assert "before any drawing: it can only guess" in summary[0]
    assert "1 shot of each class: 2 of 6 queries right" in summary[1]
    assert "2 shots of each class: 6 of 6 queries right" in summary[2]
    assert "A at (1, 0)" in summary[2]
    assert drawn(TRACE)["frame_label"] == "shots"


def test_both_axes_have_one_scale_and_hold_all_points():
    made = panel("features")
    (left, right), (low, high) = made["x"]["domain"], made["y"]["domain"]
    np.testing.assert_allclose(right - left, high - low, rtol=1e-3)
    for part in (TRACE.support, TRACE.query):
        assert left < np.nanmin(part[..., 0]) <= np.nanmax(part[..., 0]) < right
        assert low < np.nanmin(part[..., 1]) <= np.nanmax(part[..., 1]) < high
