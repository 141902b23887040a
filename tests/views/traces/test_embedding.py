"""Embeddings against direct computation: features, prototypes and answers of each frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from maml_edu.learners import ProtoNet
from maml_edu.models import conv4
from maml_edu.tasks import TaskBatch
from maml_edu.views.traces.feature_plane import embedding

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
    """The first so many of each class: here they come in turn."""
    return task.support_x[: WAY * shots], task.support_y[: WAY * shots]


@pytest.mark.parametrize("protocol", ["transductive", "support-only"])
def test_answers_are_those_of_the_learner_with_so_many_shots(theta, task, protocol):
    learner = ProtoNet(LEARNER.model, way=WAY, protocol=protocol)
    record = embedding(learner, theta, task)
    assert record.most_shots == MOST
    assert (record.answers[0] == -1).all()
    assert record.accuracy[0] == pytest.approx(1 / WAY)
    for shots in range(1, MOST + 1):
        support = first(task, shots)
        state = learner.adapt(theta, support)[-1]
        answers = learner.predict(state, task.query_x, support[0]).argmax(-1)
        assert record.answers[shots].tolist() == answers.tolist()
        right = (answers == task.query_y).float().mean()
        assert record.accuracy[shots] == pytest.approx(right.item())


def test_prototypes_are_the_means_of_the_points_shown(theta, task):
    record = embedding(LEARNER, theta, task)
    assert record.support.shape == (MOST + 1, WAY, MOST, 2)
    for shots in range(1, MOST + 1):
        shown = record.support[shots, :, :shots]
        np.testing.assert_allclose(record.prototypes[shots], shown.mean(1), atol=1e-5)
        assert np.isnan(record.support[shots, :, shots:]).all()
    assert np.isnan(record.prototypes[0]).all()


def test_the_plane_holds_what_it_says_and_no_other_holds_more(theta, task):
    record = embedding(LEARNER, theta, task)
    body = {name: theta[name] for name in LEARNER.model.shapes()}
    rows = torch.cat([LEARNER.model(body, x) for x in (task.support_x, task.query_x)]).double()
    centred = rows - rows.mean(0)
    inside = np.concatenate([record.support[-1].reshape(-1, 2), record.query[-1]])
    assert record.share == pytest.approx(
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
    with pytest.raises(ValueError, match="names has 1 entries; the learner tells 3 classes apart"):
        embedding(LEARNER, theta, task, names=["a"])
