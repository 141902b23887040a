"""Lesson 12's checks pass what is right, and tell each usual mistake for what it is."""

from __future__ import annotations

import pytest
import torch

from maml_edu import exercises
from maml_edu.exercises import lesson12


def by_autograd(step, states, slope):
    start = states[0].clone().requires_grad_()
    end = start
    for _ in states[1:]:
        end = step(end)
    return torch.autograd.grad(end, start, slope)[0]


def by_jacobians(step, states, slope):
    for state in states[-2::-1]:
        slope = torch.func.jacrev(step)(state).T @ slope
    return slope


def task_by_task(gradients, shares):
    tasks = [g for g, share in zip(gradients, shares, strict=True) for _ in range(share)]
    return {n: torch.stack([g[n] for g in tasks]).mean(0) for n in gradients[0]}


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (exercises.check_walk_back, by_autograd),
        (exercises.check_walk_back, by_jacobians),
        (exercises.check_workers_mean, task_by_task),
    ],
)
def test_the_right_one_passes(check, attempt):
    assert check(attempt), check(attempt)


# The usual mistakes, written as a learner would


def forwards(step, states, slope):
    for state in states[:-1]:
        slope = torch.func.vjp(step, state)[1](slope)[0]
    return slope


def where_it_ended(step, states, slope):
    for state in states[:0:-1]:
        slope = torch.func.vjp(step, state)[1](slope)[0]
    return slope


def not_transposed(step, states, slope):
    for state in states[-2::-1]:
        slope = torch.func.jacrev(step)(state) @ slope
    return slope


def plain_mean(gradients, shares):
    return {n: sum(g[n] for g in gradients) / len(gradients) for n in gradients[0]}


def plain_sum(gradients, shares):
    return {n: sum(g[n] for g in gradients) for n in gradients[0]}


@pytest.mark.parametrize(
    ("check", "attempt", "words"),
    [
        (exercises.check_walk_back, lambda step, states, slope: slope, "first-order gradient"),
        (exercises.check_walk_back, forwards, "in the order of the steps"),
        (exercises.check_walk_back, where_it_ended, "from where it ended"),
        (exercises.check_walk_back, not_transposed, "jvp"),
        (exercises.check_workers_mean, plain_mean, "small share count more"),
        (exercises.check_workers_mean, plain_sum, "a mean already"),
    ],
)
def test_a_mistake_is_named(check, attempt, words):
    verdict = check(attempt)
    assert verdict.state == "wrong"
    assert words in verdict.message


@pytest.mark.parametrize(
    ("check", "mistakes"),
    [
        (exercises.check_walk_back, lesson12.WALK_MISTAKES),
        (exercises.check_workers_mean, lesson12.MEAN_MISTAKES),
    ],
)
def test_the_problems_tell_all_mistakes_apart(check, mistakes):
    assert len(mistakes) >= 3
    for message, mistaken in mistakes.items():
        assert check(mistaken).message == message
