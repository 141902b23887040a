"""Every learner keeps to one interface, and minimises what its paper says."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.foundation.capture import capture
from maml_edu.learners import LEARNERS, MAML, Joint, Learner
from maml_edu.models import PROTOCOLS, conv4, mlp
from maml_edu.outer import meta_gradient, meta_loss
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.families import FAMILIES
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 8, 1)
THETA = MODEL.init(generator=torch.Generator().manual_seed(0))
WAVES = SinusoidTasks().sample(2, shots=5, queries=5, generator=torch.Generator())
WAY = 3


def drawings() -> TaskBatch:
    """Two 3-way tasks of noise, with two shots and two queries."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(2, 2, WAY * 2, 1, 28, 28, generator=generator)
    y = torch.arange(WAY).repeat_interleave(2).expand(2, -1)
    info = {"character": torch.randint(9, (2, WAY)), "rotation": torch.randint(4, (2, WAY))}
    return TaskBatch(x[0], y, x[1], y, info)


def made_up(name: str, family: str) -> tuple[Learner, TaskBatch]:
    kind = LEARNERS[name]
    how = {"inner_lr": 0.01, "inner_steps": 2} if hasattr(kind, "inner_lr") else {}
    if family == "sine":
        return LEARNERS[name](MODEL, **how), WAVES
    model = conv4(None if kind.headless else WAY, channels=4)
    how |= {"way": WAY} if kind.headless else {}
    how |= {"characters": 9} if name == "pretrain" else {}
    return LEARNERS[name](model, cross_entropy, **how), drawings()


FAMILY_NAMES = ("sine", "omniglot")
EACH = [(name, f) for f in FAMILY_NAMES for name in FAMILIES[f].learners if name in LEARNERS]


@pytest.mark.parametrize(("name", "family"), EACH)
def test_interface(name, family):
    learner, batch = made_up(name, family)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    assert {key: tuple(p.shape) for key, p in theta.items()} == learner.shapes()
    task = batch.task(0)
    states = learner.adapt(theta, task.support, inner_steps=3)
    assert len(states) == (4 if hasattr(LEARNERS[name], "inner_lr") else 2)
    before, after = (
        learner.predict(s, task.query_x, task.support_x) for s in states[:: len(states) - 1]
    )
    assert after.shape == ((6, WAY) if family == "omniglot" else task.query_y.shape)
    assert not torch.equal(before, after)
    assert learner.task_loss(theta, task).shape == ()


@pytest.mark.parametrize(("name", "family"), EACH)
def test_the_outer_loop_can_train_it(name, family):
    """On several tasks at once, and a small step against its gradient lowers a true loss."""
    learner, batch = made_up(name, family)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    grads, loss = meta_gradient(learner, theta, batch)
    each = torch.stack([learner.task_loss(theta, batch.task(i)) for i in range(2)])
    torch.testing.assert_close(loss, each.mean(), rtol=1e-4, atol=1e-5)
    assert set(grads) == set(theta)
    assert sum(g.abs().sum() for g in grads.values()) > 0
    if name not in ("reptile", "fomaml", "imaml"):  # theirs are not gradients of this number
        lower = {key: p - 1e-3 * grads[key] for key, p in theta.items()}
        assert meta_loss(learner, lower, batch) < loss


@pytest.mark.parametrize("name", LEARNERS)
def test_numbers_of_numpy_do_as_well(name):
    family = "omniglot"
    learner, batch = made_up(name, family)
    of_numpy = {int: np.int64, float: np.float64}
    options = {
        field.name: of_numpy[type(value)](value)
        for field in fields(learner)
        if type(value := getattr(learner, field.name)) in of_numpy
    }
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    other, task = replace(learner, **options), batch.task(0)
    assert options
    torch.testing.assert_close(other.task_loss(theta, task), learner.task_loss(theta, task))
    states = other.adapt(theta, task.support, inner_steps=np.int32(2))
    expected = learner.adapt(theta, task.support, inner_steps=2)
    torch.testing.assert_close(states, expected)


CLASSIFIERS = [name for name, family in EACH if family == "omniglot"]


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_protocol_says_whether_queries_depend_on_each_other(name, protocol):
    learner, batch = made_up(name, "omniglot")
    learner, task = replace(learner, protocol=protocol), batch.task(0)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    state = learner.adapt(theta, task.support)[-1]
    together = learner.predict(state, task.query_x, task.support_x)
    alone = learner.predict(state, task.query_x[:2], task.support_x)
    assert torch.allclose(together[:2], alone, atol=1e-5) == (protocol != "transductive")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_an_unknown_protocol_is_refused(name):
    with pytest.raises(ValueError, match="protocol is 'inductive'; it must be one of trans"):
        replace(made_up(name, "omniglot")[0], protocol="inductive")


@pytest.mark.parametrize("name", ["protonet", "matching", "pretrain"])
def test_before_adapting_every_class_is_as_likely(name):
    """ProtoNet's and MatchingNet's classes come with the support set; Pretrain's head is zeros."""
    learner, batch = made_up(name, "omniglot")
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    before = learner.adapt(theta, batch.task(0).support)[0]
    chances = learner.predict(before, batch.query_x[0], batch.support_x[0]).softmax(1)
    torch.testing.assert_close(chances, torch.full((6, WAY), 1 / WAY))


@pytest.mark.parametrize(
    "name", ["protonet", "matching", pytest.param("protomaml", marks=pytest.mark.slow)]
)
def test_a_single_task_can_be_captured(name):
    """Without vmap, nothing may read the labels' values while the gradient is captured."""
    learner, batch = made_up(name, "omniglot")
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    one = TaskBatch(*(part[:1] for part in batch[:4]))
    gradient = partial(meta_gradient, learner)
    torch.testing.assert_close(capture(gradient, theta, one)(theta, one), gradient(theta, one))


@pytest.mark.parametrize(("name", "family"), EACH)
def test_a_config_makes_it(name, family):
    made = TrainConfig.make(family, learner=name).make_learner()
    assert type(made) is LEARNERS[name]
    assert type(made.at_progress(0.0)) is type(made)


def test_joint_is_the_loss_at_theta_over_all_points():
    task = WAVES.task(0)
    x = torch.cat([task.support_x, task.query_x])
    y = torch.cat([task.support_y, task.query_y])
    expected = (MODEL(THETA, x) - y).square().mean()
    torch.testing.assert_close(Joint(MODEL).task_loss(THETA, task), expected)


def test_maml_with_no_inner_steps_is_the_query_loss_at_theta():
    task = WAVES.task(0)
    expected = (MODEL(THETA, task.query_x) - task.query_y).square().mean()
    torch.testing.assert_close(MAML(MODEL, inner_steps=0).task_loss(THETA, task), expected)


def test_an_unknown_learner_lists_the_known():
    known = ", ".join(FAMILIES["omniglot"].learners)
    said = re.escape(f"learner is 'mamml'; it must be one of {known}")
    with pytest.raises(ValueError, match=said):
        TrainConfig.make("omniglot", learner="mamml")
