"""A trained classifier at another number of ways: alike before the first step, itself after it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.learners import MAML
from maml_edu.learners.heads import resize_head
from maml_edu.models import conv4, mlp
from maml_edu.runs import checkpoint


@pytest.fixture(scope="module")
def full():
    return checkpoint.load("omniglot-conv4-5way-1shot")


@pytest.mark.parametrize("way", [2, 3, 5, 7])
def test_every_class_is_as_likely_before_the_first_step(full, way):
    learner, theta = resize_head(full.learner, full.theta, conv4(way))
    x = torch.rand(way, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before, *_, after = learner.adapt(theta, (x, torch.arange(way)), inner_steps=3)
    chances = learner.predict(before, x).softmax(1)
    assert torch.allclose(chances, torch.full_like(chances, 1 / way), atol=1e-5)
    assert torch.equal(learner.predict(after, x).argmax(1), torch.arange(way))


def test_nothing_else_is_changed(full):
    learner, theta = resize_head(full.learner, full.theta, conv4(3))
    assert set(theta) == set(full.theta)
    assert {n: tuple(p.shape) for n, p in theta.items()} == learner.shapes()
    for name, p in full.theta.items():
        if name not in ("head.weight", "head.bias"):
            assert theta[name] is p
    assert torch.allclose(theta["head.weight"][2], full.theta["head.weight"].mean(0))
    assert full.learner.model.shapes()["head.weight"] == (5, 64)


def test_it_follows_the_labels_whichever_they_are(full):
    """Rows alike: what is dealt as label 0 or 1 makes no difference."""
    learner, theta = resize_head(full.learner, full.theta, conv4(2))
    x = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    one, other = (
        learner.predict(learner.adapt(theta, (x, torch.tensor(y)))[-1], x).softmax(1)
        for y in ([0, 1], [1, 0])
    )
    assert torch.allclose(one, other.flip(1), atol=1e-4)


@pytest.mark.parametrize("model", [conv4(None), mlp(1, 4, 2)])
def test_a_network_without_a_head_is_refused(full, model):
    with pytest.raises(ValueError, match=r"there is no head\.weight; model and theta both need"):
        resize_head(full.learner, full.theta, model)


def test_another_network_is_refused(full):
    narrow = conv4(3, channels=64, in_channels=3)
    with pytest.raises(ValueError, match="they differ below the head"):
        resize_head(MAML(narrow, cross_entropy), full.theta, narrow)
