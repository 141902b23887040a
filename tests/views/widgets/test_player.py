"""The player and its controls, without a browser: traits in, scenes out, errors in words."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import pytest

import maml_edu.views.widgets
from maml_edu.views.widgets import Choice, Player, Slider, Toggle, explore
from tests.views import made_up

WIDGETS = Path(maml_edu.views.widgets.__file__).parent


def watch(factor, shots, learner, constant):
    if factor > 1:
        raise ZeroDivisionError("this factor is\ntoo large")
    return made_up.adaptation(
        steps=shots, shots=shots, factor=factor, learner=learner, constant=constant
    )


@pytest.fixture
def explorer():
    return explore(
        watch,
        factor=Slider("factor", 0.1, 2.0, value=0.5),
        shots=Slider("shots", 1, 20, value=5),
        learner=Choice("learner", {"this": "MAML", "that": "joint"}),
        constant=Toggle("constant"),
    )


def ask(explorer, seq, **values):
    """What the browser sends."""
    explorer._handle_custom_msg({"type": "set", "seq": seq, "values": values}, [])


def test_the_step_stays_within_the_frames():
    player = Player(made_up.adaptation(4), step=2)
    assert player.step == 2
    player.step = 99
    assert player.step == 4
    player.step = -1
    assert player.step == 0
    with pytest.raises(ValueError, match="step is 5; allowed are 0 to 4"):
        Player(made_up.adaptation(4), step=5)


def test_show_keeps_the_step_where_it_can():
    player = Player(made_up.adaptation(8), step=8)
    player.show(made_up.adaptation(3))
    assert player.step == 3
    before = player.scene
    with pytest.raises(TypeError, match="record is a str"):
        player.show("no record")
    assert player.scene == before


def test_moving_a_control_recomputes(explorer):
    assert explorer.values == {"factor": 0.5, "shots": 5, "learner": "this", "constant": False}
    explorer.set(shots=2, learner="that")
    assert explorer.record.learner == "joint"
    assert explorer.scene["frames"] == 3
    assert explorer.values["shots"] == 2


def test_a_request_is_answered_with_its_number(explorer):
    ask(explorer, 7, factor=0.9)
    assert (explorer.answered, explorer.values["factor"]) == (7, 0.9)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"factor": 1.5}, "ZeroDivisionError: this factor is too large"),
        ({"factor": math.nan}, "factor is nan; allowed are 0.1 to 2.0"),
        ({"factor": "0.5"}, "factor is '0.5'; allowed are 0.1 to 2.0"),
        ({"shots": 21}, "shots is 21; allowed are whole numbers 1 to 20"),
        ({"shots": 1.5}, "shots is 1.5; allowed are whole numbers 1 to 20"),
        ({"learner": "none"}, "learner is 'none'; allowed are 'this', 'that'"),
        ({"constant": 1}, "constant is 1; allowed are True and False"),
        ({"noise": 1}, "there is no control 'noise'; there are factor, shots, learner, constant"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_the_picture_stays(explorer, values, words):
    before = explorer.scene, dict(explorer.values)
    ask(explorer, 3, **values)
    assert explorer.status == words
    assert explorer.answered == 3
    assert (explorer.scene, explorer.values) == before
    with pytest.raises((ValueError, ZeroDivisionError)):
        explorer.set(**values)
    ask(explorer, 4, factor=0.4)
    assert explorer.status == ""


def test_other_messages_are_let_pass(explorer):
    explorer._handle_custom_msg({"type": "hello"}, [])
    assert explorer.answered == 0


def test_a_log_slider_needs_a_positive_end():
    assert Slider("rate", 1e-4, 1, log=True).value == 1e-4
    with pytest.raises(ValueError, match="min is 0; a log slider needs a min above 0"):
        Slider("rate", 0, 1, log=True)


@pytest.mark.parametrize(
    "make",
    [lambda: Slider("s", 2, 1), lambda: Slider("s", 0, math.inf), lambda: Slider("s", 0, 1, step=0),
     lambda: Slider("s", 0, 1, value=2), lambda: Choice("c", []), lambda: Choice("c", "ab", "z"),
     lambda: Toggle("t", "yes")],
)  # fmt: skip
def test_impossible_controls_are_refused(make):
    with pytest.raises(ValueError, match=r"min|step|value|options"):
        make()


def test_a_control_must_be_one():
    with pytest.raises(TypeError, match="rate is 0.1; allowed are Slider, Choice and Toggle"):
        explore(watch, rate=0.1)


def test_readers_without_javascript_get_a_picture_and_its_words():
    player = Player(made_up.adaptation(), step=3)
    data, _ = player._repr_mimebundle_()
    assert data["image/png"][:8] == b"\x89PNG\r\n\x1a\n" or data["image/png"].startswith("iVBOR")
    assert data["text/plain"] == player.describe()
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_bundle_is_made_of_these_sources():
    """As js/build.mjs hashes them; if this fails, run `make bundle`."""
    js = WIDGETS / "js"
    names = ["package.json", *sorted(f"src/{path.name}" for path in (js / "src").iterdir())]
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\n".encode() + (js / name).read_bytes())
    bundle = (WIDGETS / "static" / "player.js").read_text("utf-8")
    assert f"sources sha256 {digest.hexdigest()}" in bundle.splitlines()[0]
    assert len(bundle) < 90_000
    assert "http://" not in bundle.replace("http://www.w3.org/", "")
    assert "https://" not in bundle
