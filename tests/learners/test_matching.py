"""Matching networks against their paper's equation, written as loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cosine_similarity

from maml_edu.learners import MatchingNet
from maml_edu.models import mlp
from maml_edu.outer import meta_loss
from maml_edu.tasks import TaskBatch

WAY, SHOTS, QUERIES, FEATURES = 3, 2, 4, 5
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def batch(n_tasks: int = 2) -> TaskBatch:
    generator = torch.Generator().manual_seed(1)

    def some(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(n_tasks, WAY * n, 6, generator=generator, dtype=torch.float64)
        return x, torch.arange(WAY).repeat(n).expand(n_tasks, -1)

    return TaskBatch(*some(SHOTS), *some(QUERIES))


def made() -> tuple[MatchingNet, dict[str, torch.Tensor]]:
    learner = MatchingNet(mlp(6, 8, FEATURES), way=WAY)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    theta = {name: p.double() for name, p in theta.items()}
    return learner, theta | {"log_scale": torch.tensor(1.2, dtype=torch.float64)}


def by_loops(task: TaskBatch, f: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """Equation 1 for features f of the queries and g of the support set: log-probabilities."""
    rows = []
    for query in f:
        alike = [math.exp(1.2) * cosine_similarity(query, one, dim=0) for one in g]
        attention = torch.stack(alike).exp() / sum(value.exp() for value in alike)
        chances = torch.zeros(WAY, dtype=torch.float64)
        for weight, label in zip(attention, task.support_y, strict=True):
            chances = chances + weight * torch.eye(WAY, dtype=torch.float64)[label]
        rows.append(chances.log())
    return torch.stack(rows)


def test_predictions_and_loss_are_those_of_equation_1():
    learner, theta = made()
    losses = []
    for index in range(2):
        task = batch().task(index)
        f, g = (learner.model(theta_of(learner, theta), x) for x in (task.query_x, task.support_x))
        expected = by_loops(task, f, g)
        state = learner.adapt(theta, task.support)[-1]
        found = learner.predict(state, task.query_x)
        torch.testing.assert_close(found, expected, **CLOSE)
        assert found.exp().sum(1).tolist() == pytest.approx([1.0] * WAY * QUERIES)
        losses += [-row[label] for row, label in zip(expected, task.query_y, strict=True)]
    mean = torch.stack(losses).mean()
    torch.testing.assert_close(meta_loss(learner, theta, batch()), mean, **CLOSE)


def theta_of(learner, theta):
    return {name: theta[name] for name in learner.model.shapes()}
