"""Records that are hard to draw, and what the drawing promises of every one of them."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

from maml_edu.views import plots
from maml_edu.views.scenes import scene
from maml_edu.views.scenes.records import AdaptationTrace, PlaneTrace
from maml_edu.views.widgets import Player, Slider, explore
from maml_edu.views.widgets.player import STATIC
from tests.views.widgets import made_up, test_scenes

pytestmark = pytest.mark.filterwarnings("error")


def loss_of(trace: AdaptationTrace, value: float) -> AdaptationTrace:
    same = np.full(trace.inner_steps + 1, value)
    return dataclasses.replace(trace, support_loss=same, query_loss=same)


def changed_plane(**fields: object) -> PlaneTrace:
    return dataclasses.replace(made_up.plane(), **fields)


AWKWARD = {
    "a learned rate": dataclasses.replace(made_up.adaptation(), inner_lr=None),
    "no true curve": dataclasses.replace(made_up.adaptation(), true_curve=None),
    "a hundred steps": made_up.adaptation(steps=100, factor=0.95),
    "losses of zero": loss_of(made_up.adaptation(), 0.0),
    "losses never finite": loss_of(made_up.adaptation(), np.nan),
    "slowly diverged": made_up.adaptation(factor=-3.0),
    "flat plane": changed_plane(height=np.ones((51, 41))),
    "a hole in the plane": changed_plane(height=np.where(np.eye(51, 41) > 0, np.inf, 1.0)),
    "an arrow of zero": changed_plane(arrows={"none": np.zeros(2)}),
    "an arrow not finite": changed_plane(arrows={"lost": np.full(2, np.nan)}),
    "no arrows": changed_plane(arrows={}),
    "nothing finite": dataclasses.replace(
        made_up.classification(),
        probabilities=np.full((4, 15, 5), np.nan),
        query_loss=np.full(4, np.nan),
        accuracy=np.zeros(4),
    ),
    "no ink": dataclasses.replace(made_up.classification(), query_images=np.zeros((15, 28, 28))),
    **test_scenes.RECORDS,
}


@pytest.fixture(params=AWKWARD)
def record(request):
    return AWKWARD[request.param]


def test_is_strict_json_with_axes_of_some_length(record):
    made = scene(record)
    json.dumps(made, allow_nan=False)
    for panel in made["panels"]:
        for axis in (panel["x"], panel["y"]) if panel["x"] else ():
            assert axis["domain"][0] < axis["domain"][1]
            assert axis["scale"] == "linear" or axis["domain"][0] > 0


def test_nothing_runs_out_of_the_print_picture(record):
    figure = plots.picture(record)
    image = matplotlib.image.imread(io.BytesIO(base64.b64decode(plots.png(figure))))[..., :3]
    assert (image < 0.5).any(axis=-1).sum() > 500  # there is ink
    edges = np.concatenate([image[:2], image[-2:]]).mean(-1), image[:, [0, 1, -2, -1]].mean(-1)
    assert min(edge.min() for edge in edges) > 0.99


def test_marks_of_one_panel_differ_in_more_than_colour(record):
    made = scene(record)
    for panel in made["panels"]:
        looks = {}
        for mark in panel["marks"]:
            look = made["style"][mark["role"]]
            told = {"points": (look["marker"], look["filled"]), "arrow": mark.get("width")}
            if mark["name"]:
                looks[mark["name"]] = (mark["kind"], told.get(mark["kind"], str(look["dash"])))
        assert len(set(looks.values())) == len(looks), looks


@pytest.mark.parametrize("factor", [0.6, 0.99, -0.9])
def test_a_run_that_stays_is_not_called_diverged(factor):
    made = scene(made_up.adaptation(factor=factor))
    assert not any(note for panel in made["panels"] for note in panel["notes"])


def test_a_run_that_leaves_is_drawn_up_to_there():
    function, _, path = scene(made_up.adaptation(factor=-3.0))["panels"]
    gone = next(step for step, note in enumerate(function["notes"]) if note)
    adapted = next(mark for mark in function["marks"] if mark["role"] == "adapted")
    drawn = [any(value is not None for value in frame["y"]) for frame in adapted["frames"]]
    assert drawn == [step <= gone for step in range(11)]
    assert [value is not None for value in path["marks"][0]["x"]] == drawn


def test_arrows_end_inside_the_plane_at_the_scale_that_is_said():
    record = made_up.plane()
    panel = scene(record)["panels"][0]
    for mark in (mark for mark in panel["marks"] if mark["kind"] == "arrow"):
        drawn, true = np.array([mark["dx"], mark["dy"]]), record.arrows[mark["name"]]
        np.testing.assert_allclose(drawn / true, drawn[0] / true[0], rtol=1e-3)
        assert f"{drawn[0] / true[0]:.3g} times" in panel["caption"]
        for tip, axis in zip(record.theta + drawn, (panel["x"], panel["y"]), strict=True):
            assert axis["domain"][0] <= tip <= axis["domain"][1]


def test_contours_lie_on_their_height():
    axis = np.linspace(-1, 1, 101)
    bowl = PlaneTrace(axis, axis, axis[None] ** 2 + axis[:, None] ** 2, np.zeros(2), {})
    contours = next(m for m in scene(bowl)["panels"][0]["marks"] if m["kind"] == "lines")
    assert len(contours["lines"]) > 5
    for line in contours["lines"]:
        assert np.ptp(np.hypot(*np.array(line).T)) < 0.01


def test_the_browser_is_answered_after_it_has_the_picture():
    """It sends its next request when `answered` changes: by then the new scene must be there."""
    player = explore(lambda shots: made_up.adaptation(shots=shots), shots=Slider("shots", 1, 9))
    seen = []
    player.observe(lambda change: seen.append(change["name"]), ["scene", "answered"])
    player._handle_custom_msg({"type": "set", "seq": 7, "values": {"shots": 8}}, [])
    assert seen == ["scene", "answered"]
    assert player.answered == 7


def test_the_bundle_is_small_and_asks_nobody():
    text = "".join((STATIC / f"player.{kind}").read_text("utf-8") for kind in ("js", "css"))
    assert len(text.encode()) <= 90_000
    places = set(re.findall(r"https?://[^\"'`\s]+", text))
    assert all(place.startswith("http://www.w3.org/") for place in places), places  # namespaces


@pytest.mark.parametrize("module", ["plots", "scenes", "style", "widgets"])
def test_drawing_loads_no_torch(module):
    code = f"import sys, maml_edu.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_scene_travels_as_text_and_comes_back_the_same():
    player = Player(made_up.comparison())
    state = player.get_state("scene")["scene"]
    assert json.loads(state) == player.scene
    player.set_state({"scene": state})
    assert player.scene["frames"] == 11
