"""MAML's options: rates that are learned, losses after every step, parameters that stay."""

from __future__ import annotations

import pytest
import torch

from maml_edu.inner import adapt
from maml_edu.learners import MAML
from maml_edu.learners.maml import RATES
from maml_edu.models import mlp
from maml_edu.outer import meta_gradient
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 8, 1)
BATCH = SinusoidTasks().sample(3, shots=5, queries=5, generator=torch.Generator().manual_seed(3))


def in_float64(batch: TaskBatch) -> TaskBatch:
    return TaskBatch(*(part.double() for part in batch[:4]))


def fresh(learner: MAML) -> dict[str, torch.Tensor]:
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    return {name: p.double() for name, p in theta.items()}


def test_learned_rates_start_as_the_rates_that_were_given():
    fixed = MAML(MODEL, inner_lr=0.05, inner_steps=2)
    learned = MAML(MODEL, inner_lr=0.05, inner_steps=2, learned_rates=True)
    theta = fresh(learned)
    assert {name: tuple(p.shape) for name, p in theta.items()} == learned.shapes()
    for name in MODEL.shapes():
        torch.testing.assert_close(theta[RATES + name].exp(), torch.full((2,), 0.05).double())
    task = in_float64(BATCH).task(0)
    expected = fixed.adapt(fresh(fixed), task.support, inner_steps=4)
    states = learned.adapt(theta, task.support, inner_steps=4)  # two steps more than it has rates
    for state, other in zip(states, expected, strict=True):
        assert set(state) == set(other)
        torch.testing.assert_close(state, other, rtol=1e-6, atol=1e-9)


def test_the_gradient_for_a_rate_is_that_of_finite_differences():
    learner = MAML(MODEL, inner_lr=0.05, inner_steps=2, learned_rates=True, per_step_losses=True)
    theta, batch = fresh(learner), in_float64(BATCH)
    grads, _ = meta_gradient(learner, theta, batch)
    name = RATES + "0.weight"
    for step in range(2):
        by = torch.zeros(2, dtype=torch.float64)
        by[step] = 1e-5
        above, below = (
            meta_gradient(learner, {**theta, name: theta[name] + sign * by}, batch)[1]
            for sign in (1, -1)
        )
        assert grads[name][step].item() == pytest.approx(((above - below) / 2e-5).item(), rel=1e-5)


def test_per_step_losses_are_the_mean_over_the_steps():
    learner = MAML(MODEL, inner_lr=0.05, inner_steps=3, per_step_losses=True)
    task, theta = in_float64(BATCH).task(1), fresh(learner)
    losses = [
        MAML(MODEL, inner_lr=0.05, inner_steps=steps).task_loss(theta, task) for steps in (1, 2, 3)
    ]
    torch.testing.assert_close(learner.task_loss(theta, task), torch.stack(losses).mean())


def test_a_parameter_without_a_rate_stays_as_it_is():
    theta, task = fresh(MAML(MODEL)), in_float64(BATCH).task(0)
    learner = MAML(MODEL, inner_lr={"2.weight": 0.1}, inner_steps=2)
    adapted = learner.adapt(theta, task.support)[-1]
    assert [n for n in theta if not torch.equal(adapted[n], theta[n])] == ["2.weight"]
    expected = adapt(
        learner.loss_at,
        theta,
        *task.support,
        inner_lr={name: 0.1 if name == "2.weight" else 0.0 for name in theta},
        inner_steps=2,
    )[-1]
    torch.testing.assert_close(adapted, expected)


def test_rates_of_only_some_parameters_can_be_learned():
    learner = MAML(MODEL, inner_lr={"2.weight": 0.1}, inner_steps=1, learned_rates=True)
    assert [name for name in learner.shapes() if name.startswith(RATES)] == [RATES + "2.weight"]
    theta, task = fresh(learner), in_float64(BATCH).task(0)
    adapted = learner.adapt(theta, task.support)[-1]
    assert not torch.equal(adapted["2.weight"], theta["2.weight"])
    assert torch.equal(adapted["0.weight"], theta["0.weight"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inner_steps": 0}, "inner_steps is 0; with learned_rates it must be 1 or more"),
        ({"inner_lr": [0.1, 0.2]}, "inner_lr is a list by steps"),
    ],
)
def test_rates_that_cannot_be_learned(options, message):
    with pytest.raises(ValueError, match=message):
        MAML(MODEL, learned_rates=True, **options)
