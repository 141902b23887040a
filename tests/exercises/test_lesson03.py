"""Exercise 03.1 measures the snippets, whatever they are called."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad

from maml_edu import exercises

from .attempts.lesson03 import at_theta, with_func


def gradient_of(loss):
    return lambda loss_fn, theta, support, query, inner_lr: grad(
        lambda t: loss(loss_fn, t, support, query, inner_lr)
    )(theta)


SNIPPETS = {
    "A": gradient_of(lambda *problem: with_func(*problem, keep=torch.detach)),
    "B": gradient_of(with_func),
    "C": gradient_of(at_theta),
}


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        ("B", "right", "finite differences"),
        ("A", "wrong", "a part of the graph was cut"),
        ("C", "wrong", "off by"),
        ("D", "wrong", "none of"),
        (..., "open", "not written yet"),
    ],
)
def test_snippets_are_measured(answer, state, said):
    verdict = exercises.check_second_order(answer, **SNIPPETS)
    assert verdict.state == state
    assert said in verdict.message


def test_a_broken_snippet_is_told():
    verdict = exercises.check_second_order("A", A=lambda *_: 1 / 0)
    assert "snippet A" in verdict.message
