"""The player and its controls, without a browser: traits in, scenes out, errors in words."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys

import pytest

from maml_edu.views.widgets import Choice, Player, Slider, Toggle, explore
from tests.views import made_up


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
    with pytest.raises(ValueError, match="step is 5; .* 0 to 4"):
        Player(made_up.adaptation(4), step=5)


def test_show_keeps_the_step_where_it_can():
    player = Player(made_up.adaptation(8), step=8)
    player.show(made_up.adaptation(3))
    assert player.step == 3
    before = player.scene
    with pytest.raises(TypeError, match="trace is a str"):
        player.show("no trace")
    assert player.scene == before


def test_moving_a_control_recomputes(explorer):
    assert explorer.values == {"factor": 0.5, "shots": 5, "learner": "this", "constant": False}
    explorer.set(shots=2, learner="that")
    assert explorer.trace.learner == "joint"
    assert explorer.scene.frames == 3
    assert explorer.values["shots"] == 2


def test_a_request_is_answered_with_its_number(explorer):
    ask(explorer, 7, factor=0.9)
    assert (explorer.answered, explorer.values["factor"]) == (7, 0.9)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"factor": 1.5}, r"ZeroDivisionError: this factor is too large$"),
        ({"factor": math.nan}, r"factor is nan; .* 0\.1 to 2\.0"),
        ({"factor": "0.5"}, r"factor is '0\.5'; .* 0\.1 to 2\.0"),
        ({"shots": 21}, r"shots is 21; .* 1 to 20"),
        ({"shots": 1.5}, r"shots is 1\.5; .* 1 to 20"),
        ({"learner": "none"}, r"learner is 'none'; .* 'this', 'that'"),
        ({"constant": 1}, r"constant is 1; .* True or False"),
        ({"noise": 1}, r"there is no control 'noise'; .* factor, shots, learner, constant"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_the_picture_stays(explorer, values, words):
    before = explorer.scene, dict(explorer.values)
    ask(explorer, 3, **values)
    assert re.match(words, explorer.status)
    assert explorer.answered == 3
    assert (explorer.scene, explorer.values) == before
    with pytest.raises((ValueError, ZeroDivisionError)):
        explorer.set(**values)
    ask(explorer, 4, factor=0.4)
    assert explorer.status == ""


def test_other_messages_are_ignored(explorer):
    explorer._handle_custom_msg({"type": "hello"}, [])
    assert explorer.answered == 0


def test_a_control_must_be_one():
    with pytest.raises(TypeError, match="rate is 0.1; .* Slider, Choice or Toggle"):
        explore(watch, rate=0.1)


def test_readers_without_javascript_get_the_words_and_ask_for_a_picture():
    player = Player(made_up.adaptation(), step=3)
    data, _ = player._repr_mimebundle_()
    assert data["text/plain"] == player.describe()
    assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert player.picture().alt == player.describe()


def test_a_scene_travels_as_text_and_is_never_taken_from_the_browser():
    player = Player(made_up.comparison())
    shown = player.scene
    text = player.get_state("scene")["scene"]
    assert json.loads(text)["frames"] == 11
    player.set_state({"scene": text, "step": 4})
    assert (player.scene, player.step) == (shown, 4)


def test_the_browser_is_answered_after_it_has_the_picture():
    """It sends its next request when `answered` changes: by then the new scene must be there."""
    player = explore(lambda shots: made_up.adaptation(shots=shots), shots=Slider("shots", 1, 9))
    seen = []
    player.observe(lambda change: seen.append(change["name"]), ["scene", "answered"])
    ask(player, 7, shots=8)
    assert seen == ["scene", "answered"]
    assert player.answered == 7


def test_a_display_loads_no_matplotlib():
    """A picture takes most of a second: it is made when it is asked for."""
    code = """import sys
from maml_edu.views.widgets import Player
from tests.views import made_up
Player(made_up.adaptation())._repr_mimebundle_()
sys.exit("matplotlib" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
