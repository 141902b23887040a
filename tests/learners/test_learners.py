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
    classifies = name == "protonet"
    learner = learner_class(name)(MODEL)
    task = TASK._replace(support_y=torch.arange(5), query_y=torch.arange(5)) if classifies else TASK
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    assert {key: tuple(p.shape) for key, p in theta.items()} == learner.shapes()
    states = learner.adapt(theta, task.support, inner_steps=3)
    assert len(states) == (2 if classifies else 4)
    outputs = learner.predict(states[-1], task.query_x, task.support_x)
    assert outputs.shape == ((5, 5) if classifies else task.query_y.shape)
    assert learner.task_loss(theta, task).shape == ()


def test_joint_is_the_loss_at_theta_over_all_points():
    x = torch.cat([TASK.support_x, TASK.query_x])
    y = torch.cat([TASK.support_y, TASK.query_y])
    expected = (MODEL(THETA, x) - y).square().mean()
    torch.testing.assert_close(Joint(MODEL).task_loss(THETA, TASK), expected)


def test_maml_with_no_inner_steps_is_the_query_loss_at_theta():
    expected = (MODEL(THETA, TASK.query_x) - TASK.query_y).square().mean()
    torch.testing.assert_close(MAML(MODEL, inner_steps=0).task_loss(THETA, TASK), expected)


def test_unknown_learner_lists_the_known():
    with pytest.raises(ValueError, match="learner is 'mamml'; it must be one of anil, joint, maml"):
        learner_class("mamml")
