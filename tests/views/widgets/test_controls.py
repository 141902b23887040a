"""Controls: what they accept, what they give, what they say."""

from __future__ import annotations

import pytest

from maml_edu.views.widgets import Choice, Slider, Toggle


def test_slider_defaults():
    whole = Slider("shots", 1, 20)
    assert (whole.value, whole.step, whole.whole) == (1, 1, True)
    rate = Slider("inner_lr", 0.001, 1.0, log=True)
    assert (rate.value, rate.step, rate.whole) == (0.001, 0.05, False)
    assert Slider("noise", 0.0, 1.0).step == pytest.approx(0.02)


def test_whole_numbers_stay_whole():
    value = Slider("shots", 1, 20).check("shots", 5.0)
    assert value == 5
    assert type(value) is int


@pytest.mark.parametrize("value", [0, 21, 2.5, "5", None, True, float("nan")])
def test_slider_refuses(value):
    with pytest.raises(ValueError, match="shots is .*; .* 1 to 20"):
        Slider("shots", 1, 20).check("shots", value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 1), "min must be below max"),
        ((0, float("inf")), "min must be below max"),
        ((0, 1, -1), "step is -1"),
        ((0, 1, None, 2), "value is 2; .* 0 to 1"),
    ],
)
def test_slider_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        Slider("x", *arguments)


def test_log_slider_from_zero():
    with pytest.raises(ValueError, match="min is 0; .* above 0"):
        Slider("inner_lr", 0, 1, log=True)


def test_choice_by_label_or_by_value():
    learners = Choice("learner", {"MAML": object, "none": None})
    assert learners.value == "MAML"
    assert learners.check("learner", object) == "MAML"
    assert learners.given("MAML") is object
    assert learners.given("none") is None
    assert Choice("way", [5, 20]).given("20") == 20
    with pytest.raises(ValueError, match="learner is 'SGD'; .* 'MAML', 'none'"):
        learners.check("learner", "SGD")


def test_choice_of_nothing():
    with pytest.raises(ValueError, match="options is empty"):
        Choice("learner", [])


def test_toggle():
    assert Toggle("noise").value is False
    with pytest.raises(ValueError, match="noise is 1; .* True or False"):
        Toggle("noise").check("noise", 1)
