"""Lesson 06's checks pass what is right, and tell each usual mistake for what it is."""

from __future__ import annotations

import pytest
import torch

from maml_edu import exercises
from maml_edu.exercises import lesson06

CHECKS = [exercises.check_plane_point, exercises.check_lowest_curvature, exercises.check_cka]


# The right ones, written otherwise than in the module


def point_by_qr(theta, a, b, c):
    directions, lengths = torch.linalg.qr(torch.stack([a - theta, b - theta], 1))
    return lengths.diagonal().sign() * ((c - theta) @ directions)


def lowest_by_matrix(product, v, iterations):
    matrix = torch.stack([product(row) for row in torch.eye(len(v), dtype=v.dtype)])
    return torch.linalg.eigvalsh(matrix)[0]


def cka_by_samples(x, y):
    n = len(x)
    centre = torch.eye(n, dtype=x.dtype) - 1 / n
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return (k * m).sum() / ((k * k).sum() * (m * m).sum()).sqrt()


@pytest.mark.parametrize(
    ("check", "right"),
    list(zip(CHECKS, [point_by_qr, lowest_by_matrix, cka_by_samples], strict=True)),
)
def test_what_is_right_passes_however_it_is_written(check, right):
    assert check(right), check(right)


MISTAKES = [
    (check, message, mistake)
    for check, mistakes in zip(
        CHECKS,
        [lesson06.POINT_MISTAKES, lesson06.LOWEST_MISTAKES, lesson06.CKA_MISTAKES],
        strict=True,
    )
    for message, mistake in mistakes.items()
]


@pytest.mark.parametrize(("check", "message", "mistake"), MISTAKES)
def test_each_mistake_is_named(check, message, mistake):
    verdict = check(mistake)
    assert verdict.state == "wrong"
    assert verdict.message == message


# Mistakes as a learner would write them


def uncentred(x, y):
    return (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())


def of_squares(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return (y.T @ x).square().sum()


def the_largest(product, v, iterations):
    for _ in range(iterations):
        v = product(v / v.norm())
    return v / v.norm() @ product(v / v.norm())


def no_right_angle(theta, a, b, c):
    first, second = ((end - theta) / (end - theta).norm() for end in (a, b))
    return torch.stack([(c - theta) @ first, (c - theta) @ second])


def from_the_origin(theta, a, b, c):
    directions = torch.linalg.qr(torch.stack([a - theta, b - theta], 1))
    return directions.R.diagonal().sign() * (c @ directions.Q)


@pytest.mark.parametrize(
    ("check", "mistake", "said"),
    [
        (exercises.check_cka, uncentred, "not centred"),
        (exercises.check_cka, of_squares, "scale of the features"),
        (exercises.check_lowest_curvature, the_largest, "finds by itself"),
        (exercises.check_plane_point, no_right_angle, "right angle"),
        (exercises.check_plane_point, from_the_origin, "subtract theta"),
    ],
)
def test_a_learners_mistakes(check, mistake, said):
    assert said in check(mistake).message


def test_a_result_of_the_wrong_shape_is_told():
    assert "shape" in exercises.check_plane_point(lambda t, a, b, c: c).message
    assert "shape" in exercises.check_cka(lambda x, y: x.T @ y).message
