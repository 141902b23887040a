"""Lesson 05's checks pass what is right, and tell each usual mistake for what it is."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad

from maml_edu import exercises
from maml_edu.exercises import lesson05
from maml_edu.exercises.lesson02 import mse, regressions
from maml_edu.learners import FOMAML, MAMLPlusPlus, Reptile
from maml_edu.outer import meta_gradient
from maml_edu.tasks import TaskBatch

CHECKS = [exercises.check_first_order, exercises.check_reptile_step, exercises.check_step_weights]


# The right ones, written otherwise than in the module


def inner_loop(loss_fn, theta, x, y, inner_lr, inner_steps):
    state = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
    descent = torch.optim.SGD(state.values(), lr=inner_lr)
    for _ in range(inner_steps):
        descent.zero_grad()
        loss_fn(state, x, y).backward()
        descent.step()
    return state


def first_order(loss_fn, theta, support, query, inner_lr, inner_steps):
    state = inner_loop(loss_fn, theta, *support, inner_lr, inner_steps)
    grads = torch.autograd.grad(loss_fn(state, *query), list(state.values()))
    return dict(zip(state, grads, strict=True))


def reptile(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    ends = [inner_loop(loss_fn, theta, *task, inner_lr, inner_steps) for task in tasks]
    means = {n: torch.stack([end[n].detach() for end in ends]).mean(0) for n in theta}
    return {n: torch.lerp(p.detach(), means[n], meta_lr) for n, p in theta.items()}


def weights(done, inner_steps):
    v = torch.full((inner_steps,), 1 / inner_steps, dtype=torch.float64)
    taken = v[:-1] * min(done, 0.97)
    v[:-1] -= taken
    v[-1] += taken.sum()
    return v


@pytest.mark.parametrize(
    ("check", "right"), list(zip(CHECKS, [first_order, reptile, weights], strict=True))
)
def test_what_is_right_passes_however_it_is_written(check, right):
    assert check(right), check(right)


def test_weights_may_be_a_list():
    assert exercises.check_step_weights(lambda done, k: weights(done, k).tolist())


@pytest.mark.parametrize(
    ("check", "mistakes"),
    [
        (exercises.check_first_order, lesson05.FIRST_ORDER_MISTAKES),
        (exercises.check_reptile_step, lesson05.REPTILE_MISTAKES),
        (exercises.check_step_weights, lesson05.WEIGHT_MISTAKES),
    ],
)
def test_the_problems_tell_all_mistakes_apart(check, mistakes):
    for message, mistaken in mistakes.items():
        assert check(mistaken).message == message


def gradient_climbed(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    ends = [inner_loop(loss_fn, theta, *task, inner_lr, inner_steps) for task in tasks]
    return {
        n: p - meta_lr * torch.stack([end[n].detach() - p for end in ends]).mean(0)
        for n, p in theta.items()
    }


def joint(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    slope = grad(lambda t: sum(loss_fn(t, *task) for task in tasks) / len(tasks))(theta)
    return {n: p - meta_lr * inner_lr * slope[n] for n, p in theta.items()}


@pytest.mark.parametrize(
    ("check", "attempt", "said"),
    [
        (exercises.check_reptile_step, gradient_climbed, "sign is flipped"),
        (exercises.check_reptile_step, joint, "joint training"),
        (exercises.check_first_order, lambda *p: first_order(*p[:5], 1), "one inner step is taken"),
        (exercises.check_step_weights, lambda done, k: weights(done, k)[:-1], "shape"),
        (exercises.check_step_weights, lambda done, k: 2 * weights(done, k), "numbers differ"),
    ],
)
def test_a_mistake_written_otherwise_is_told_too(check, attempt, said):
    verdict = check(attempt)
    assert verdict.state == "wrong"
    assert said in verdict.message


# What the checks call right is what the package's learners do


def as_batch(theta, *drawn):
    parts = [torch.stack([part[i] for part in drawn]) for i in (0, 1)]
    return TaskBatch(parts[0][:, :3], parts[1][:, :3], parts[0][:, 3:], parts[1][:, 3:])


class Tiny:
    """Lesson 02's small network as a model."""

    has_batch_norm = False

    def __call__(self, theta, x):
        from maml_edu.exercises.lesson02 import tiny_model

        return tiny_model(theta, x)


def test_the_checks_agree_with_the_learners():
    drawn = list(regressions(3))
    theta = {n: p.detach() for n, p in drawn[0][0].items()}
    batch = as_batch(theta, *[(x, y) for _, x, y in drawn])
    learner = FOMAML(Tiny(), inner_lr=0.07, inner_steps=3)
    one = TaskBatch(*(part[:1] for part in batch[:4]))
    task = batch.task(0)
    expected = lesson05._first_order()(mse, theta, task.support, task.query, 0.07, 3)
    torch.testing.assert_close(meta_gradient(learner, theta, one)[0], expected)
    learner = Reptile(Tiny(), inner_lr=0.07, inner_steps=3)
    stepped = lesson05._reptile()(mse, theta, [(x, y) for _, x, y in drawn], 0.07, 3, 0.5)
    towards, _ = meta_gradient(learner, theta, batch)
    torch.testing.assert_close({n: theta[n] - 0.5 * towards[n] for n in theta}, stepped)


@pytest.mark.parametrize("done", [0.0, 0.4, 1.0])
def test_the_weights_are_those_of_the_learner(done):
    from maml_edu.models import mlp

    learner = MAMLPlusPlus(mlp(1, 4, 1), inner_steps=4, annealing=0.5)
    last = learner.at(0.5 * done).last_weight
    assert last == pytest.approx(lesson05._weights(lesson05._right_share)(done, 4)[-1].item())
