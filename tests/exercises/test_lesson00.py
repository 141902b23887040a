"""The checks of lesson 00 tell right from wrong, and name the mistake."""

from __future__ import annotations

import pytest

from maml_edu import exercises

RIGHT = {
    "check_first_below_half": lambda losses: next(
        (k for k, loss in enumerate(losses) if loss < losses[0] / 2), len(losses)
    ),
    "check_know_nothing": lambda s, q: (q - s.mean()).pow(2).mean(),
}


def falls_off_the_end(losses):
    for k, loss in enumerate(losses):
        if loss < losses[0] / 2:
            return k


def counts_from_one(losses):
    return 1 + RIGHT["check_first_below_half"](losses)


def returns_the_loss(losses):
    return next((loss for loss in losses if loss < losses[0] / 2), -1.0)


def of_the_largest(losses):
    return next((k for k, loss in enumerate(losses) if loss < max(losses) / 2), len(losses))


def from_where_it_stays(losses):
    return max(k for k, loss in enumerate(losses) if loss >= losses[0] / 2) + 1


def any_lower(losses):
    return next((k for k, loss in enumerate(losses) if loss < losses[0]), len(losses))


@pytest.mark.parametrize(("check", "solution"), RIGHT.items())
def test_the_right_answer_passes(check, solution):
    assert getattr(exercises, check)(solution)


@pytest.mark.parametrize("check", RIGHT)
def test_an_empty_one_is_open_and_an_error_is_told(check):
    assert getattr(exercises, check)(lambda *_: ...).state == "open"
    assert getattr(exercises, check)(lambda *_: None).state == "open"
    wrong = getattr(exercises, check)(lambda *_: 1 / 0)
    assert wrong.state == "wrong"
    assert "ZeroDivisionError" in str(wrong)


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (falls_off_the_end, "return len(losses)"),
        (counts_from_one, "state 0 is before any step"),
        (returns_the_loss, "returns the loss"),
        (of_the_largest, "largest loss is not half of the first"),
        (from_where_it_stays, "stays below"),
        (any_lower, "lowers the loss at all"),
    ],
)
def test_a_mistake_in_first_below_half_is_named(attempt, told):
    verdict = exercises.check_first_below_half(attempt)
    assert verdict.state == "wrong"
    assert told in verdict.message


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda s, q: (q - q.mean()).pow(2).mean(), "has seen the answers"),
        (lambda s, q: (s - s.mean()).pow(2).mean(), "judge it on the query set"),
        (lambda s, q: (q - s.median()).pow(2).mean(), "median"),
        (lambda s, q: q.pow(2).mean(), "always guesses 0"),
        (lambda s, q: (q - s.mean()).pow(2).sum(), "summed"),
        (lambda s, q: (q - s.mean()).pow(2).mean().sqrt(), "root"),
        (lambda s, q: (q - s.mean()).abs().mean(), "absolute"),
    ],
)
def test_a_mistake_in_know_nothing_is_named(attempt, told):
    verdict = exercises.check_know_nothing(attempt)
    assert verdict.state == "wrong"
    assert told in verdict.message
