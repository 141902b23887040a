"""Scenes: strict JSON, one entry per frame, fixed axes that a diverged step cannot squash."""

from __future__ import annotations

import base64
import dataclasses
import io
import json

import matplotlib.image
import numpy as np
import pytest

from maml_edu.views.scenes import Gallery, ImageGrid, scene
from maml_edu.views.scenes.marks import ink
from tests.views import made_up

TRACES = {
    "adaptation": made_up.adaptation(),
    "no steps": made_up.adaptation(0),
    "one step": made_up.adaptation(1),
    "one shot": made_up.adaptation(shots=1),
    "constant": made_up.adaptation(constant=True),
    "diverged": made_up.diverged(),
    "comparison": made_up.comparison(),
    "by hand": made_up.by_hand(),
    "by hand, no points": made_up.by_hand(0),
    "plane": made_up.plane(),
    "plane without paths": made_up.plane(paths=False),
    "landscape": made_up.landscape(),
    "landscape left": made_up.landscape(growth=3.0),
    "landscape diverged": made_up.landscape(growth=1e200),
    "landscape without steps": made_up.landscape(steps=0),
    "training": made_up.training(),
    "one entry": made_up.training(1),
    "no entries": made_up.training(0),
    "curves": made_up.curves(),
    "no curves": made_up.curves(0),
    "budgets": made_up.budgets(),
    "one budget, one seed": made_up.budgets(seeds=1, n=1),
    "budgets, some missing": made_up.budgets(seeds=2, missing=True),
    "sweep": made_up.sweep(),
    "sweep of one seed": made_up.sweep(seeds=1, shown=3),
    "classification": made_up.classification(),
    "twenty ways": made_up.classification(way=20, queries=1),
    "five shots": made_up.classification(shots=5, queries=2),
    "many of two": made_up.classification(way=2, shots=10, queries=10),
    "classification without steps": made_up.classification(steps=0),
    "classification diverged": made_up.classification(growth=1e3),
    "gallery": made_up.gallery(),
    "drawings": made_up.drawn(),
    "drawings, many": made_up.drawn(way=5, shots=3, growth=0.01),
    "drawings diverged": made_up.drawn(way=2, growth=1e60),
    "embedding": made_up.embedding(),
    "embedding of one shot": made_up.embedding(way=6, most=1),
    "movement": made_up.movement(),
    "movement without steps": made_up.movement(steps=0),
    "movement diverged": made_up.movement(growth=1e200),
}


def drawn(trace) -> dict:
    """The scene of a trace as the browser receives it."""
    return json.loads(json.dumps(scene(trace).as_json(), allow_nan=False))


def panel(made, name):
    return next(p for p in made["panels"] if p["id"] == name)


def mark(made, name, of):
    return next(m for m in panel(made, of)["marks"] if m["name"] == name)


def test_the_adapted_curve_of_each_frame_is_the_traces():
    trace = TRACES["adaptation"]
    made = mark(drawn(trace), "adapted", "function")
    for step, frame in enumerate(made["frames"]):
        np.testing.assert_allclose(frame["y"], trace.curves[step], atol=2e-3)


def test_losses_and_points_are_the_traces():
    trace, made = TRACES["adaptation"], drawn(TRACES["adaptation"])
    np.testing.assert_allclose(mark(made, "query", "losses")["y"], trace.query_loss, rtol=2e-3)
    points = mark(made, "support points", "function")
    np.testing.assert_allclose(points["x"], trace.support_x, atol=2e-3)
    assert len(points["x"]) == 5


def test_a_divergence_is_said_and_does_not_squash_the_axes():
    calm, wild = drawn(TRACES["adaptation"]), drawn(TRACES["diverged"])
    high = {name: panel(d, "function")["y"]["domain"][1] for name, d in
            (("calm", calm), ("wild", wild))}  # fmt: skip
    assert high["wild"] < 5 * high["calm"]
    assert "iverged" not in wild["summary"][0]
    assert "Diverged: left the picture at step 1" in wild["summary"][-1]


def test_curves_say_what_was_measured_and_what_was_expected():
    made = drawn(TRACES["curves"])
    assert "MAML: from 2 to 1.7." in made["summary"][0]
    assert "Expected of MAML: 2." in made["summary"][0]
    assert panel(made, "curves")["x"]["scale"] == "log"
    assert mark(made, "expected", "curves")["role"] == "theta"


def test_a_training_run_says_what_its_loss_is():
    trace = dataclasses.replace(TRACES["training"], measure="cross-entropy")
    label = panel(drawn(trace), "training")["y"]["label"]
    assert label.startswith("cross-entropy")


def test_a_sweep_shows_every_seed_and_the_means_of_those_there_are():
    trace = made_up.sweep(shown=2)
    made, unseen = drawn(trace), trace.accuracy["unseen characters"]
    line = panel(made, "sweep")["marks"][4]
    assert line["name"] == "unseen characters"
    for step in range(4):
        mean = np.nanmean(unseen[:, :, step], 1)
        np.testing.assert_allclose(line["frames"][step]["y"], mean, atol=1e-3)
    dots = panel(made, "sweep")["marks"][5]["frames"][3]["y"]
    assert [dots.count(None), len(dots)] == [1, 12]
    beside = panel(made, "steps")
    assert beside["title"] == "400 training characters"
    assert "before adapting: training characters 19%" in beside["alt"][0]
    trail = beside["marks"][-1]
    np.testing.assert_allclose(trail["y"], np.nanmean(unseen[2], 0), atol=1e-3)


def test_a_sweep_that_does_not_fit_is_refused():
    trace = made_up.sweep()
    with pytest.raises(ValueError, match="accuracy has the shapes"):
        dataclasses.replace(trace, numbers=np.arange(1, 4))
    with pytest.raises(ValueError, match="shown is 4; it must be from 0 to 3"):
        dataclasses.replace(trace, shown=4)


def test_losses_far_apart_get_a_log_axis():
    assert panel(drawn(made_up.adaptation(factor=0.3)), "losses")["y"]["scale"] == "log"
    assert panel(drawn(made_up.adaptation(factor=0.95)), "losses")["y"]["scale"] == "linear"


def test_a_learner_that_stops_early_stays_where_it_is():
    joint = mark(drawn(TRACES["comparison"]), "joint", "function")["frames"]
    assert joint[4]["y"] == joint[-1]["y"] != joint[3]["y"]


def test_arrows_share_one_scale():
    trace = TRACES["plane"]
    made = {m["name"]: m for m in panel(drawn(trace), "plane")["marks"] if m["kind"] == "arrow"}
    lengths = {n: np.hypot(made[n]["dx"], made[n]["dy"]) for n in trace.arrows}
    ratios = [lengths[n] / np.hypot(*trace.arrows[n]) for n in trace.arrows]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-3)


def test_every_querys_bars_are_its_probabilities():
    trace = TRACES["classification"]
    made = panel(drawn(trace), "queries")["marks"][0]
    order = [made["images"].index(image) for image in made["images"]]
    assert order == list(range(15))  # all different
    shown = [0, 3, 6, 9, 12, 1, 4, 7, 10, 13, 2, 5, 8, 11, 14]  # one of each class in turn
    for step, frame in enumerate(made["frames"]):
        np.testing.assert_allclose(frame["bars"], trace.probabilities[step, shown], atol=1e-3)
        assert frame["right"] == trace.right[step, shown].tolist()
    assert made["labels"] == trace.query_labels[shown].tolist() == [0, 1, 2, 3, 4] * 3


def test_right_and_wrong_are_told_in_words():
    trace = TRACES["classification"]
    made = drawn(trace)
    first, last = (panel(made, "queries")["marks"][0]["frames"][i]["captions"] for i in (0, -1))
    assert {text.split()[1] for text in first} == {"✓", "✗"}
    assert all(text.split()[1] == "✓" for text in last)
    right = round(15 * trace.accuracy[1])
    assert f"after 1 inner step: {right} of 15 queries right" in made["summary"][1]
    assert "before adapting" in made["summary"][0]


def test_a_query_without_an_answer_is_wrong():
    chances = np.full((2, 15, 5), np.nan)
    trace = dataclasses.replace(made_up.classification(steps=1), probabilities=chances)
    assert not trace.right.any()
    made = panel(drawn(trace), "queries")["marks"][0]["frames"][0]
    assert made["captions"][0] == "A ✗ not finite"
    assert np.all(np.array(made["bars"]) == 0)


def test_twenty_ways_show_some_queries_and_say_so():
    made = drawn(TRACES["twenty ways"])
    assert len(panel(made, "queries")["marks"][0]["images"]) == 15
    assert "15 of 20 queries" in panel(made, "queries")["title"]
    assert len(panel(made, "support")["marks"][0]["images"]) == 20


def test_support_drawings_of_a_class_stand_together():
    made = panel(drawn(TRACES["five shots"]), "support")["marks"][0]
    assert made["captions"] == [letter for letter in "ABCDE" for _ in range(5)]
    assert made["columns"] == 10


def test_a_drawing_comes_back_from_its_png():
    image = made_up.drawings(3)[1]
    read = matplotlib.image.imread(io.BytesIO(base64.b64decode(ink(image))))
    np.testing.assert_allclose(read[..., -1], image, atol=1 / 255)  # opacity is ink
    assert (read[..., :-1] == 0).all()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (made_up.drawings(3), "captions has 2 .* 3"),
        (made_up.drawings(3)[0], r"images is \(28, 28\)"),
    ],
)
def test_images_are_refused(images, words):
    with pytest.raises(ValueError, match=words):
        scene(Gallery("", (ImageGrid("", images, ("a", "b")),), ""))


def test_anything_else_is_refused():
    with pytest.raises(TypeError, match="trace is a dict; .* AdaptationTrace"):
        scene({})


def test_a_budget_shows_its_own_seeds_and_the_mean_of_what_is_known():
    trace = made_up.budgets(missing=True)
    made = drawn(trace)
    assert len(made["summary"]) == len(trace.budgets)
    some = panel(made, "budget-0")
    dots = next(m for m in some["marks"] if m["kind"] == "points")
    values = trace.panels["some"]["MAML"]
    for at, frame in enumerate(dots["frames"]):
        known = [None if np.isnan(v) else pytest.approx(v, abs=0.01) for v in values[:, at]]
        assert frame["y"] == known
    trail = mark(made, "MAML", "budget-0")
    assert trail["y"] == pytest.approx(np.nanmean(values, 0), abs=0.01)
    assert "from" in trail["readout"][0]
    assert "from" not in mark(made, "ProtoNet", "budget-1")["readout"][0]
