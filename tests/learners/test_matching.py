"""Matching networks against their paper's equations, written as loops and with torch.nn's LSTM."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import cosine_similarity

from maml_edu.learners import MatchingNet
from maml_edu.learners.matching import MEMORY
from maml_edu.models import mlp
from maml_edu.outer import meta_gradient, meta_loss
from maml_edu.tasks import TaskBatch

WAY, SHOTS, QUERIES, FEATURES = 3, 2, 4, 5
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def batch(n_tasks: int = 2) -> TaskBatch:
    generator = torch.Generator().manual_seed(1)

    def some(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.randn(n_tasks, WAY * n, 6, generator=generator, dtype=torch.float64)
        return x, torch.arange(WAY).repeat(n).expand(n_tasks, -1)

    return TaskBatch(*some(SHOTS), *some(QUERIES))


def made(**options) -> tuple[MatchingNet, dict[str, torch.Tensor]]:
    learner = MatchingNet(mlp(6, 8, FEATURES), way=WAY, **options)
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


def cell_with(theta, name: str, inputs: int) -> nn.LSTMCell:
    """PyTorch's own LSTM with our numbers; it keeps input and hidden weights apart."""
    cell = nn.LSTMCell(inputs, FEATURES, dtype=torch.float64)
    weight = theta[f"fce.{name}.weight"]
    split = {"weight_ih": weight[:, :inputs], "weight_hh": weight[:, inputs:]}
    split |= {"bias_ih": theta[f"fce.{name}.bias"], "bias_hh": torch.zeros_like(cell.bias_hh)}
    cell.load_state_dict(split)
    return cell


def test_full_context_embeddings_are_those_of_the_appendix():
    learner, theta = made(fce=True, fce_steps=3)
    task = batch().task(0)
    body = theta_of(learner, theta)
    plain = {"f": learner.model(body, task.query_x), "g": learner.model(body, task.support_x)}
    memory = plain["g"].clone()
    for name, order in (("forward", range(6)), ("backward", reversed(range(6)))):
        cell, state = cell_with(theta, name, FEATURES), None
        for i in order:
            state = cell(plain["g"][i], state)
            memory[i] = memory[i] + state[0]
    adapted = learner.adapt(theta, task.support)[-1]
    torch.testing.assert_close(adapted[MEMORY], memory.detach(), **CLOSE)
    # PyTorch's cell has as many hidden numbers as features; what was read goes in beside the input
    by_input, by_hidden, by_read = theta["fce.read.weight"].chunk(3, dim=1)
    reordered = {"fce.read.weight": torch.cat([by_input, by_read, by_hidden], 1)}
    cell = cell_with({**theta, **reordered}, "read", 2 * FEATURES)
    rows = []
    for query in plain["f"]:
        h = c = torch.zeros(FEATURES, dtype=torch.float64)
        for _ in range(3):
            attention = torch.softmax(torch.stack([h @ one for one in memory]), 0)
            r = sum(a * one for a, one in zip(attention, memory, strict=True))
            h, c = cell(torch.cat([query, r]), (h, c))
            h = h + query
        rows.append(h)
    expected = by_loops(task, torch.stack(rows), memory)
    found = learner.predict(adapted, task.query_x)
    torch.testing.assert_close(found, expected.detach(), **CLOSE)


def test_the_outer_loop_trains_every_part_of_the_context():
    learner, theta = made(fce=True, fce_steps=2)
    gradient, loss = meta_gradient(learner, theta, batch())
    assert set(gradient) == set(theta) == set(learner.shapes())
    assert all(g.abs().sum() > 0 for g in gradient.values())
    each = [learner.task_loss(theta, batch().task(i)) for i in range(2)]
    torch.testing.assert_close(loss, torch.stack(each).mean(), **CLOSE)
