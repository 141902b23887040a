"""Pictures say the rate that a learner really uses."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu import learners
from maml_edu.models import conv4, mlp
from maml_edu.tasks import SinusoidTasks
from maml_edu.views import traces
from maml_edu.views.traces.shared import rate_label

MODEL = mlp(1, 8, 1)
NAMES = list(MODEL.shapes())
BODY_AND_HEAD = dict.fromkeys(NAMES[:-2], 0.01) | dict.fromkeys(NAMES[-2:], 0.1)
LABELS = [
    (learners.MAML(MODEL, inner_lr=0.02), "inner_lr 0.02"),
    (learners.MAML(MODEL, inner_lr=torch.tensor(0.02)), "inner_lr 0.02"),
    (learners.MAML(MODEL, inner_lr=dict.fromkeys(NAMES, 0.02)), "inner_lr 0.02"),
    (learners.MAML(MODEL, inner_lr=BODY_AND_HEAD), "inner_lr by layer"),
    (learners.MAML(MODEL, inner_lr=[0.1, 0.01, 0.001]), "inner_lr by step"),
    (learners.MAML(MODEL, inner_lr=[0.1, 0.1, 0.1]), "inner_lr 0.1"),
    (learners.MAML(MODEL, inner_lr=[BODY_AND_HEAD, 0.1, 0.1]), "inner_lr by layer and step"),
    (learners.MAML(MODEL, inner_lr=0.02, learned_rates=True), "learned inner_lr"),
    (learners.FOMAML(MODEL, inner_lr=0.02), "inner_lr 0.02"),
    (learners.ANIL(MODEL, inner_lr=0.01), "inner_lr 0.01"),
    (learners.ANIL(MODEL, inner_lr=dict(zip(NAMES[-2:], (0.1, 0.2), strict=True))),
     "inner_lr by layer"),
    (learners.ANIL(MODEL, inner_lr=0.01, learned_rates=True), "learned inner_lr"),
    (learners.MetaSGD(MODEL, inner_lr=0.01), "learned inner_lr"),
    (learners.MAMLPlusPlus(MODEL, inner_lr=0.01), "learned inner_lr"),
    (learners.Reptile(MODEL, inner_lr=0.02), "inner_lr 0.02"),
    (learners.IMAML(MODEL, inner_lr=0.02), "inner_lr 0.02"),
    (learners.Joint(MODEL, inner_lr=0.02), "inner_lr 0.02"),
    (learners.Pretrain(conv4(3), cross_entropy, inner_lr=0.4), "inner_lr 0.4"),
    (learners.ProtoMAML(conv4(3), cross_entropy, inner_lr=0.4), "inner_lr 0.4"),
    (learners.ProtoNet(conv4(None), way=3), "no inner_lr"),
    (learners.MatchingNet(conv4(None), way=3), "no inner_lr"),
]  # fmt: skip


@pytest.mark.parametrize(("learner", "label"), LABELS)
def test_the_label_is_what_the_learner_uses(learner, label):
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    assert rate_label(learner, theta, 3) == label


def test_every_learner_is_in_the_table():
    kinds = {kind.__name__ for kind in learners.LEARNERS.values()}
    assert kinds == {type(learner).__name__ for learner, _ in LABELS}


@pytest.mark.parametrize(("learner", "label"), LABELS[7:14])
def test_the_picture_has_it(learner, label):
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    task = SinusoidTasks().sample(1, generator=torch.Generator().manual_seed(1)).task(0)
    assert traces.adaptation(learner, theta, task, inner_steps=2).rate == label
