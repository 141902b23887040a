"""Lesson 11's checks pass what is right, and tell each usual mistake for what it is."""

from __future__ import annotations

import pytest
import torch

from maml_edu import exercises
from maml_edu.exercises import lesson11

# The right ones, written otherwise than in the module


def ink_by_samples(points, a, b, width):
    """Many dots along the way: nearly a line."""
    way = a + torch.linspace(0, 1, 20_001, dtype=torch.float64)[:, None] * (b - a)
    return torch.cdist(points, way).amin(1) <= width / 2


def placed_by_axis(points, least, most):
    moved = points.clone()
    for axis in (0, 1):
        middle = (points[:, axis].min() + points[:, axis].max()) / 2
        if middle < least[axis]:
            moved[:, axis] += least[axis] - middle
        if middle > most[axis]:
            moved[:, axis] -= middle - most[axis]
    return moved


def head_by_stack(weight, bias, way):
    return torch.stack([weight.mean(0)] * way), torch.stack([bias.mean()] * way)


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (exercises.check_ink, ink_by_samples),
        (exercises.check_placed, placed_by_axis),
        (exercises.check_head_for, head_by_stack),
    ],
)
def test_the_right_one_passes(check, attempt):
    assert check(attempt), check(attempt)


# The usual mistakes, written as a learner would


def whole_line(points, a, b, width):
    x, y = (b - a) / (b - a).norm().clamp_min(1e-12)
    across = (points - a) @ torch.stack([-y, x])
    return across.abs() <= width / 2


def whole_width(points, a, b, width):
    return ink_by_samples(points, a, b, 2 * width)


def no_dots(points, a, b, width):
    share = ((points - a) @ (b - a) / ((b - a) @ (b - a))).clamp(0, 1)
    return (points - a - share[:, None] * (b - a)).norm(dim=1) <= width / 2


def centred(points, least, most):
    return points + (least + most) / 2 - (points.min(0).values + points.max(0).values) / 2


def by_the_mean(points, least, most):
    middle = points.mean(0)
    return points - middle + torch.maximum(least, torch.minimum(middle, most))


def clipped(points, least, most):
    return torch.maximum(least, torch.minimum(points, most))


def sliced(weight, bias, way):
    return weight[:way], bias[:way]


def zeros(weight, bias, way):
    return torch.zeros(way, weight.shape[1]), torch.zeros(way)


def one_number(weight, bias, way):
    return weight.mean() * torch.ones(way, weight.shape[1]), bias.mean() * torch.ones(way)


@pytest.mark.parametrize(
    ("check", "attempt", "words"),
    [
        (exercises.check_ink, whole_width, "half of it lies on either side"),
        (exercises.check_ink, no_dots, "0 / 0 is nan"),
        (exercises.check_ink, lambda p, a, b, w: p, "shape"),
        (exercises.check_placed, centred, "very middle"),
        (exercises.check_placed, by_the_mean, "mean of the points"),
        (exercises.check_placed, clipped, "squashes"),
        (exercises.check_head_for, zeros, "head of zeros"),
        (exercises.check_head_for, one_number, "one number for the whole weight"),
        (exercises.check_head_for, lambda w, b, way: (w.mean(0), b.mean()), "shape"),
    ],
)
def test_a_mistake_is_named(check, attempt, words):
    verdict = check(attempt)
    assert verdict.state == "wrong"
    assert words in verdict.message


def test_more_mistakes_are_wrong():
    """Where there is no row, or no direction, nothing can be compared: still no pass."""
    for check, attempt in [(exercises.check_ink, whole_line), (exercises.check_head_for, sliced)]:
        assert check(attempt).state == "wrong"


@pytest.mark.parametrize(
    ("check", "mistakes"),
    [
        (exercises.check_ink, lesson11.INK_MISTAKES),
        (exercises.check_placed, lesson11.PLACED_MISTAKES),
        (exercises.check_head_for, lesson11.HEAD_MISTAKES),
    ],
)
def test_the_problems_tell_all_mistakes_apart(check, mistakes):
    assert len(mistakes) >= 3
    for message, mistaken in mistakes.items():
        assert check(mistaken).message == message
