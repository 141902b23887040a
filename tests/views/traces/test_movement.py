"""How far each part moves: the learner's own inner steps, and a part at rest on the lower edge."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.evaluate import accuracy, query_values
from maml_edu.learners import MAML
from maml_edu.models import conv4
from maml_edu.tasks import OmniglotTasks
from maml_edu.views import traces
from maml_edu.views.scenes import scene
from tests.views import made_up

PARTS = {"layer 4": ["layers.3.weight", "norms.3.bias"], "head": ["head.weight"]}


@pytest.fixture(scope="module")
def batch():
    tasks = OmniglotTasks("test", way=3, source="stand-in")
    return tasks.sample(4, shots=1, queries=2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("chunk_size", [None, 2])
def test_it_is_the_mean_over_the_tasks(batch, chunk_size):
    learner = MAML(conv4(3, channels=4), cross_entropy, inner_lr=0.4)
    theta = learner.init(generator=torch.Generator().manual_seed(1))
    trace = traces.movement(learner, theta, batch, PARTS, inner_steps=2, chunk_size=chunk_size)
    right = query_values(learner, theta, batch, inner_steps=2, metric=accuracy).mean(0)
    assert trace.accuracy == pytest.approx(right.numpy())
    assert (trace.way, trace.n_tasks, trace.rate) == (3, 4, "inner_lr 0.4")
    far = []
    for i in range(4):
        last = learner.adapt(theta, batch.task(i).support, inner_steps=2)[-1]
        both = [torch.cat([t[n].flatten() for n in PARTS["layer 4"]]) for t in (theta, last)]
        far.append((both[1] - both[0]).norm() / both[0].norm())
    assert trace.moved["layer 4"][2] == pytest.approx(torch.stack(far).mean().item(), rel=1e-4)
    assert trace.moved["layer 4"][0] == 0 < trace.moved["head"][1]


def test_a_frozen_part_rests(batch):
    learner = MAML(conv4(3, channels=4), cross_entropy, inner_lr={"head.weight": 0.4})
    trace = traces.movement(learner, learner.init(), batch, PARTS, inner_steps=1)
    assert trace.moved["layer 4"].tolist() == [0, 0]
    assert trace.moved["head"][1] > 0


def test_the_picture_puts_what_rests_on_the_lower_edge_and_says_so():
    made = scene(made_up.movement())
    panel = made.panels[0]
    assert panel.y.place(np.zeros(1))[0] == panel.y.domain[0]
    assert "layer 1 0%; layer 2 0.0875%; head 875%" in made.summary[3]
    assert "On the lower edge" in panel.caption
