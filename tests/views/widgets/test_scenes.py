"""Scenes: strict JSON, one entry per frame, fixed axes that a diverged step cannot squash."""

from __future__ import annotations

import base64
import dataclasses
import io
import json

import matplotlib.image
import numpy as np
import pytest

from maml_edu.views.scenes import describe, marks, scene
from maml_edu.views.scenes.ink import ink
from tests.views.widgets import made_up

RECORDS = {
    "adaptation": made_up.adaptation(),
    "no steps": made_up.adaptation(0),
    "one step": made_up.adaptation(1),
    "one shot": made_up.adaptation(shots=1),
    "constant": made_up.adaptation(constant=True),
    "diverged": made_up.diverged(),
    "comparison": made_up.comparison(),
    "plane": made_up.plane(),
    "plane without paths": made_up.plane(paths=False),
    "landscape": made_up.landscape(),
    "landscape left": made_up.landscape(growth=3.0),
    "landscape diverged": made_up.landscape(growth=1e200),
    "landscape without steps": made_up.landscape(steps=0),
    "training": made_up.training(),
    "one record": made_up.training(1),
    "no records": made_up.training(0),
    "classification": made_up.classification(),
    "twenty ways": made_up.classification(way=20, queries=1),
    "five shots": made_up.classification(shots=5, queries=2),
    "many of two": made_up.classification(way=2, shots=10, queries=10),
    "classification without steps": made_up.classification(steps=0),
    "classification diverged": made_up.classification(growth=1e3),
    "gallery": made_up.gallery(),
    "embedding": made_up.embedding(),
    "embedding of one shot": made_up.embedding(way=6, most=1),
}


@pytest.fixture(params=RECORDS)
def record(request):
    return RECORDS[request.param]


def panel(drawn, name):
    return next(p for p in drawn["panels"] if p["id"] == name)


def mark(drawn, name, of):
    return next(m for m in panel(drawn, of)["marks"] if m["name"] == name)


def test_survives_strict_json(record):
    drawn = scene(record)
    read = json.loads(json.dumps(drawn, allow_nan=False))  # raises at a NaN, an array, a NumPy int
    assert read["frames"] == drawn["frames"]


def test_every_frame_has_words_and_every_role_a_look(record):
    drawn = scene(record)
    assert drawn["frames"] == len(drawn["summary"]) >= 1
    assert all(drawn["summary"])
    for p in drawn["panels"]:
        assert len(p["alt"]) == drawn["frames"]
        assert all(m["role"] in drawn["style"] for m in p["marks"])
        for m in p["marks"]:
            assert len(m.get("frames", [None] * drawn["frames"])) == drawn["frames"]


def test_every_axis_is_a_finite_interval(record):
    for p in scene(record)["panels"]:
        for axis in (p["x"], p["y"]) if p["x"] else ():
            low, high = axis["domain"]
            assert low < high
            assert axis["scale"] == "linear" or low > 0


def test_the_adapted_curve_of_each_frame_is_the_traces():
    trace = RECORDS["adaptation"]
    drawn = mark(scene(trace), "adapted", "function")
    for step, frame in enumerate(drawn["frames"]):
        np.testing.assert_allclose(frame["y"], trace.curves[step], atol=2e-3)


def test_losses_and_points_are_the_traces():
    trace, drawn = RECORDS["adaptation"], scene(RECORDS["adaptation"])
    np.testing.assert_allclose(mark(drawn, "query", "losses")["y"], trace.query_loss, rtol=2e-3)
    points = mark(drawn, "support points", "function")
    np.testing.assert_allclose(points["x"], trace.support_x, atol=2e-3)
    assert len(points["x"]) == 5


def test_a_divergence_is_said_and_does_not_squash_the_axes():
    calm, wild = scene(RECORDS["adaptation"]), scene(RECORDS["diverged"])
    high = {name: panel(d, "function")["y"]["domain"][1] for name, d in
            (("calm", calm), ("wild", wild))}  # fmt: skip
    assert high["wild"] < 5 * high["calm"]
    assert "diverged" not in wild["summary"][0]
    assert "diverged: left the picture at step 1" in wild["summary"][-1]


def test_a_training_run_says_what_its_loss_is():
    record = dataclasses.replace(RECORDS["training"], measure="cross-entropy")
    label = panel(scene(record), "training")["y"]["label"]
    assert label.startswith("cross-entropy")


def test_losses_far_apart_get_a_log_axis():
    assert panel(scene(made_up.adaptation(factor=0.3)), "losses")["y"]["scale"] == "log"
    assert panel(scene(made_up.adaptation(factor=0.95)), "losses")["y"]["scale"] == "linear"


def test_a_learner_that_stops_early_stays_where_it_is():
    joint = mark(scene(RECORDS["comparison"]), "joint", "function")["frames"]
    assert joint[4]["y"] == joint[-1]["y"] != joint[3]["y"]


def test_arrows_share_one_scale():
    record = RECORDS["plane"]
    drawn = {m["name"]: m for m in panel(scene(record), "plane")["marks"] if m["kind"] == "arrow"}
    lengths = {n: np.hypot(drawn[n]["dx"], drawn[n]["dy"]) for n in record.arrows}
    ratios = [lengths[n] / np.hypot(*record.arrows[n]) for n in record.arrows]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-3)


def test_every_querys_bars_are_its_probabilities():
    record = RECORDS["classification"]
    drawn = panel(scene(record), "queries")["marks"][0]
    order = [drawn["images"].index(image) for image in drawn["images"]]
    assert order == list(range(15))  # all different
    shown = [0, 3, 6, 9, 12, 1, 4, 7, 10, 13, 2, 5, 8, 11, 14]  # one of each class in turn
    for step, frame in enumerate(drawn["frames"]):
        np.testing.assert_allclose(frame["bars"], record.probabilities[step, shown], atol=1e-3)
        assert frame["right"] == record.right[step, shown].tolist()
    assert drawn["labels"] == record.query_labels[shown].tolist() == [0, 1, 2, 3, 4] * 3


def test_right_and_wrong_are_told_in_words():
    record = RECORDS["classification"]
    made = scene(record)
    first, last = (panel(made, "queries")["marks"][0]["frames"][i]["captions"] for i in (0, -1))
    assert {text.split()[1] for text in first} == {"✓", "✗"}
    assert all(text.split()[1] == "✓" for text in last)
    right = round(15 * record.accuracy[1])
    assert f"after 1 inner step: {right} of 15 queries right" in made["summary"][1]
    assert "before adapting" in made["summary"][0]


def test_a_query_without_an_answer_is_wrong():
    chances = np.full((2, 15, 5), np.nan)
    record = dataclasses.replace(made_up.classification(steps=1), probabilities=chances)
    assert not record.right.any()
    drawn = panel(scene(record), "queries")["marks"][0]["frames"][0]
    assert drawn["captions"][0] == "A ✗ not finite"
    assert np.all(np.array(drawn["bars"]) == 0)


def test_twenty_ways_show_some_queries_and_say_so():
    made = scene(RECORDS["twenty ways"])
    assert len(panel(made, "queries")["marks"][0]["images"]) == 15
    assert "15 of 20 queries" in panel(made, "queries")["title"]
    assert len(panel(made, "support")["marks"][0]["images"]) == 20


def test_support_drawings_of_a_class_stand_together():
    drawn = panel(scene(RECORDS["five shots"]), "support")["marks"][0]
    assert drawn["captions"] == [letter for letter in "ABCDE" for _ in range(5)]
    assert drawn["columns"] == 10


def test_a_drawing_comes_back_from_its_png():
    image = made_up.drawings(3)[1]
    read = matplotlib.image.imread(io.BytesIO(base64.b64decode(ink(image))))
    np.testing.assert_allclose(read[..., -1], image, atol=1 / 255)  # opacity is ink
    assert (read[..., :-1] == 0).all()
    with pytest.raises(ValueError, match="image has shape"):
        ink(image[0])


def test_each_image_has_a_caption():
    with pytest.raises(ValueError, match="captions has 2 entries; there are 3 images"):
        marks.images("support", made_up.drawings(3), ["a", "b"])


def test_describe_is_the_summary_of_a_step():
    trace = RECORDS["adaptation"]
    assert describe(trace, 3) == scene(trace)["summary"][3]
    assert describe(trace) == scene(trace)["summary"][-1]
    with pytest.raises(ValueError, match="step is 11; allowed are 0 to 10"):
        describe(trace, 11)


def test_anything_else_is_refused():
    with pytest.raises(TypeError, match="record is a dict"):
        scene({})
