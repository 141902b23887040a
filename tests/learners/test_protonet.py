"""Prototypical networks against their paper's equations, class by class and query by query."""

from __future__ import annotations

import torch

from maml_edu.learners import ProtoNet
from maml_edu.models import conv4, mlp
from maml_edu.outer import meta_loss
from maml_edu.tasks import TaskBatch

WAY, SHOTS, QUERIES = 3, 4, 5


def batch(n_tasks: int = 2, features: int = 6) -> TaskBatch:
    generator = torch.Generator().manual_seed(1)

    def labels(n: int) -> torch.Tensor:
        return torch.arange(WAY).repeat_interleave(n).expand(n_tasks, -1)

    def some(n: int) -> torch.Tensor:
        shape = (n_tasks, WAY * n, features)
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return TaskBatch(some(SHOTS), labels(SHOTS), some(QUERIES), labels(QUERIES))


def test_the_loss_is_that_of_the_paper():
    """Equations 1 and 2, written as loops; the distances are squared and Euclidean."""
    learner = ProtoNet(mlp(6, 8, 7), way=WAY)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    theta = {name: p.double() for name, p in theta.items()} | {
        "log_scale": torch.tensor(0.3, dtype=torch.float64)
    }
    losses = []
    for t in range(2):
        task = batch().task(t)
        f = {
            name: learner.model(theta, x) for name, x in zip("sq", (task[0], task[2]), strict=True)
        }
        prototypes = [f["s"][task.support_y == c].mean(0) for c in range(WAY)]
        for z, y in zip(f["q"], task.query_y, strict=True):
            far = torch.stack([((z - p) ** 2).sum() for p in prototypes])
            losses.append(-torch.log_softmax(-theta["log_scale"].exp() * far, 0)[y])
    torch.testing.assert_close(
        meta_loss(learner, theta, batch()), torch.stack(losses).mean(), rtol=1e-10, atol=1e-12
    )


def test_adapting_adds_the_prototypes_and_changes_nothing_else():
    learner = ProtoNet(conv4(None, channels=4), way=2)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    assert {name: tuple(p.shape) for name, p in theta.items()} == learner.shapes()
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before, after = learner.adapt(theta, (x, torch.tensor([0, 1, 0, 1])), inner_steps=3)
    assert before is theta
    assert after["prototypes"].shape == (2, 4)
    assert {name for name in after if after[name] is not theta.get(name)} == {"prototypes"}
