"""The judge tells right from wrong, names the mistake, and never raises."""

from __future__ import annotations

import pytest
import torch

from maml_edu.exercises.judge import Comparison, judge


def right(theta, grads):
    return {name: p - 0.1 * grads[name] for name, p in theta.items()}


def climbs(theta, grads):
    return {name: p + 0.1 * grads[name] for name, p in theta.items()}


def in_place(theta, grads):
    for name in theta:
        theta[name] -= 0.1 * grads[name]
    return theta


def unwritten(theta, grads):
    raise NotImplementedError


PROBLEMS = [
    tuple({"w": torch.randn(3, generator=torch.Generator().manual_seed(s)).double()} for s in pair)
    for pair in ((0, 1), (2, 3))
]


def verdict(attempt):
    mistakes = {"the sign is flipped": climbs, "there is no 'v'": lambda theta, grads: theta["v"]}
    return judge(attempt, Comparison(right, mistakes, PROBLEMS, "well done"))


@pytest.mark.parametrize(
    ("attempt", "state", "words"),
    [
        (right, "right", "well done"),
        (climbs, "wrong", "the sign is flipped"),
        (in_place, "wrong", "in place"),
        (unwritten, "open", "not written yet"),
        (lambda theta, grads: None, "open", "not written yet"),
        (lambda theta, grads: ..., "open", "not written yet"),
        (lambda theta, grads: 1 / 0, "wrong", "ZeroDivisionError"),
        (lambda theta: theta, "wrong", "TypeError"),
        (lambda theta, grads: theta, "wrong", "the numbers differ"),
        (lambda theta, grads: {"w": 3}, "wrong", "w: it returns a single number"),
        (lambda theta, grads: {"v": theta["w"]}, "wrong", "a dict with 'v'"),
        (lambda theta, grads: {"w": "text"}, "wrong", "w: it returns a str"),
        (lambda theta, grads: grads["v"], "wrong", "there is no 'v'"),
        (lambda theta, grads: grads["u"], "wrong", "KeyError: 'u'"),
    ],
)
def test_verdicts(attempt, state, words):
    found = verdict(attempt)
    assert found.state == state
    assert words in found.message
    assert bool(found) == (state == "right")
    assert "role='status'" in found._repr_html_()


def test_a_mistake_must_show_on_every_problem():
    def at_first_only(theta, grads):
        first = torch.equal(theta["w"], PROBLEMS[0][0]["w"])
        return climbs(theta, grads) if first else theta

    assert "the numbers differ" in verdict(at_first_only).message


def test_messages_are_escaped_in_html():
    found = judge(lambda: "<b>", Comparison(lambda: "b", {}, [()], ""))
    assert "<b>" not in found._repr_html_()
