"""Checks name the argument, its value and what is allowed; NumPy's numbers are numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from maml_edu.foundation import checks
from maml_edu.models import conv4, dense4, mlp
from maml_edu.tasks import OmniglotTasks, SinusoidTasks

NUMBERS = {
    "integer": checks.integer(1, 10),
    "at_least": lambda name, value: checks.at_least(1, **{name: value}),
    "positive": checks.positive,
    "not_negative": checks.not_negative,
    "fraction": checks.fraction,
}
INTEGERS = ("integer", "at_least")


@pytest.mark.parametrize("check", NUMBERS)
@pytest.mark.parametrize("kind", [int, np.int32, np.int64, np.uint8])
def test_integers_of_numpy_are_taken(check, kind):
    NUMBERS[check]("n", kind(1))


@pytest.mark.parametrize("check", NUMBERS)
@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_fractional_numbers_are_taken_where_they_make_sense(check, kind):
    if check in INTEGERS:
        with pytest.raises(ValueError, match=r"n is .*0\.5.*; it must be an integer"):
            NUMBERS[check]("n", kind(0.5))
    else:
        NUMBERS[check]("n", kind(0.5))


@pytest.mark.parametrize("check", NUMBERS)
@pytest.mark.parametrize(
    "value",
    [
        True, np.True_, "1", None, [1], math.nan, math.inf, -math.inf, np.float32("nan"), -1, 1j,
        -(10**400), np.array(1), np.array([1]), torch.tensor(1), torch.tensor([1, 2]),
    ],
    ids=repr,
)  # fmt: skip
def test_everything_else_is_refused_in_one_sentence(check, value):
    with pytest.raises(ValueError, match="^n is .*; it must be an? "):
        NUMBERS[check]("n", value)


@pytest.mark.parametrize("check", [name for name in NUMBERS if name != "at_least"])
def test_an_integer_that_no_float_can_hold_is_refused(check):
    with pytest.raises(ValueError, match=r"^n is 1000.*\.\.\..*; it must be an? "):
        NUMBERS[check]("n", 10**400)


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (checks.flag, True, 1),
        (checks.choice(("a", "b")), "a", "c"),
        (checks.choice(("a", "b")), "b", ["a"]),
        (checks.interval, [0, np.float64(1.5)], [1, 0]),
        (checks.interval, [1, 1], [0, math.inf]),
        (checks.layer_sizes, [1, np.int64(40), 1], [1, 4.0, 1]),
        (checks.layer_sizes, [1, 1], [1, 10**5 + 1]),
    ],
)
def test_names_flags_and_lists(check, good, bad):
    check("it", good)
    with pytest.raises(ValueError, match="it.* is .*; it must be "):
        check("it", bad)


def test_numbers_of_numpy_become_plain_for_json():
    given = {"n": np.int64(5), "rate": np.float32(0.5), "sizes": (1, np.int8(2)), "flag": True}
    found = {name: checks.plain(value) for name, value in given.items()}
    assert json.loads(json.dumps(found)) == {"n": 5, "rate": 0.5, "sizes": [1, 2], "flag": True}


def test_tasks_and_models_take_numpys_integers():
    five, two = np.int64(5), np.int32(2)
    batch = SinusoidTasks().sample(two, shots=five, queries=five)
    assert batch.support_x.shape == (2, 5, 1)
    batch = OmniglotTasks("test", five).sample(two, shots=np.int16(1), queries=two)
    assert batch.query_x.shape == (2, 10, 1, 28, 28)
    assert mlp(np.int64(1), five, np.int64(1)).shapes() == mlp(1, 5, 1).shapes()
    assert conv4(five, channels=two).shapes() == conv4(5, channels=2).shapes()
    hidden = [np.int64(8), five]
    assert dense4(five, hidden=hidden).shapes() == dense4(5, hidden=[8, 5]).shapes()
