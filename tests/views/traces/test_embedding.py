"""Embeddings against direct computation: features, prototypes and answers of each frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maml_edu.learners import ProtoNet
from maml_edu.models import conv4
from maml_edu.tasks import TaskBatch
from maml_edu.views.traces import embedding

WAY, MOST, QUERIES = 3, 4, 2
LEARNER = ProtoNet(conv4(None, channels=6), way=WAY)


@pytest.fixture(scope="module")
def theta():
    return LEARNER.init(generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def task():
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(WAY * (MOST + QUERIES), 1, 20, 20, generator=generator)
    support_y = torch.arange(WAY).repeat(MOST)  # not sorted by class
    query_y = torch.arange(WAY).repeat(QUERIES)
    return TaskBatch(x[: WAY * MOST], support_y, x[WAY * MOST :], query_y)


def first(task, shots):
    """The first `shots` drawings of each class; here the classes take turns."""
    return task.support_x[: WAY * shots], task.support_y[: WAY * shots]


@pytest.mark.parametrize("protocol", ["transductive", "support-only"])
def test_answers_are_those_of_the_learner_with_that_many_shots(theta, task, protocol):
    learner = ProtoNet(LEARNER.model, way=WAY, protocol=protocol)
    trace = embedding(learner, theta, task)
    assert trace.most_shots == MOST
    assert (trace.answers[0] == -1).all()
    assert trace.accuracy[0] == pytest.approx(1 / WAY)
    for shots in range(1, MOST + 1):
        support = first(task, shots)
        state = learner.adapt(theta, support)[-1]
        answers = learner.predict(state, task.query_x, support[0]).argmax(-1)
        assert trace.answers[shots].tolist() == answers.tolist()
        right = (answers == task.query_y).float().mean()
        assert trace.accuracy[shots] == pytest.approx(right.item())


def test_prototypes_are_the_means_of_the_points_shown(theta, task):
    trace = embedding(LEARNER, theta, task)
    assert trace.support.shape == (MOST + 1, WAY, MOST, 2)
    for shots in range(1, MOST + 1):
        shown = trace.support[shots, :, :shots]
        np.testing.assert_allclose(trace.prototypes[shots], shown.mean(1), atol=1e-5)
        assert np.isnan(trace.support[shots, :, shots:]).all()
    assert np.isnan(trace.prototypes[0]).all()


def test_the_plane_holds_what_it_says_and_no_other_holds_more(theta, task):
    trace = embedding(LEARNER, theta, task)
    body = {name: theta[name] for name in LEARNER.model.shapes()}
    rows = torch.cat([LEARNER.model(body, x) for x in (task.support_x, task.query_x)]).double()
    centred = rows - rows.mean(0)
    inside = np.concatenate([trace.support[-1].reshape(-1, 2), trace.query[-1]])
    assert trace.explained_fraction == pytest.approx(
        (inside**2).sum() / centred.square().sum().item(), rel=1e-4
    )
    for seed in range(20):
        drawn = torch.randn(6, 2, generator=torch.Generator().manual_seed(seed)).double()
        other = centred @ torch.linalg.qr(drawn).Q
        assert other.square().sum() < (inside**2).sum()


def test_bad_input_is_said(theta, task):
    uneven = task._replace(support_x=task.support_x[:-1], support_y=task.support_y[:-1])
    with pytest.raises(ValueError, match=r"support has \[4, 4, 3\] drawings by class"):
        embedding(LEARNER, theta, uneven)
    with pytest.raises(ValueError, match="names has 1 entries; .* 3"):
        embedding(LEARNER, theta, task, names=["a"])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_kept_and_spoil_nothing_else(theta, task, bad):
    broken = task._replace(query_x=task.query_x.index_fill(0, torch.tensor(0), bad))
    trace = embedding(ProtoNet(LEARNER.model, way=WAY, protocol="one-by-one"), theta, broken)
    assert np.isnan(trace.query[-1, 0]).all()
    assert np.isfinite(trace.query[-1, 1:]).all()
    assert np.isfinite(trace.prototypes[1:]).all()
    lost = {name: torch.full_like(p, bad) for name, p in theta.items()}
    assert np.isnan(embedding(LEARNER, lost, task).query).all()
