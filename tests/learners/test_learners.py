"""Every learner keeps to one interface, and minimises what its paper says."""

from __future__ import annotations

import pytest
import torch

from maml_edu.learners import LEARNERS, MAML, Joint, learner_class
from maml_edu.models import mlp
from maml_edu.tasks import SinusoidTasks

MODEL = mlp(1, 8, 1)
THETA = MODEL.init(generator=torch.Generator().manual_seed(0))
TASK = SinusoidTasks().sample(1, shots=5, queries=5, generator=torch.Generator()).task(0)


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_interface(name):
    learner = learner_class(name)(MODEL)
    states = learner.adapt(THETA, TASK.support, inner_steps=3)
    assert len(states) == 4
    assert learner.predict(states[-1], TASK.query_x).shape == TASK.query_y.shape
    assert learner.task_loss(THETA, TASK).shape == ()


def test_joint_is_the_loss_at_theta_over_all_points():
    x = torch.cat([TASK.support_x, TASK.query_x])
    y = torch.cat([TASK.support_y, TASK.query_y])
    expected = (MODEL(THETA, x) - y).square().mean()
    torch.testing.assert_close(Joint(MODEL).task_loss(THETA, TASK), expected)


def test_maml_with_no_inner_steps_is_the_query_loss_at_theta():
    expected = (MODEL(THETA, TASK.query_x) - TASK.query_y).square().mean()
    torch.testing.assert_close(MAML(MODEL, inner_steps=0).task_loss(THETA, TASK), expected)


def test_unknown_learner_lists_the_known():
    with pytest.raises(ValueError, match="learner is 'mamml'; it must be one of joint, maml"):
        learner_class("mamml")
