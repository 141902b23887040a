"""ProtoMAML: it starts as a prototypical network, and goes on from there as MAML does."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.func import grad
from torch.nn.functional import cross_entropy

from maml_edu.learners import MAML, ProtoMAML, ProtoNet
from maml_edu.models import Model, conv4
from maml_edu.outer import meta_gradient, meta_loss
from maml_edu.tasks import TaskBatch

WAY, SHOTS, QUERIES, CHANNELS = 3, 2, 3, 5
MODEL = conv4(WAY, channels=CHANNELS)
BODY = conv4(None, channels=CHANNELS)
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch() -> TaskBatch:
    generator = seeded(1)

    def some(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.rand(2, WAY * n, 1, 20, 20, generator=generator, dtype=torch.float64)
        return x, torch.arange(WAY).repeat(n).expand(2, -1)

    return TaskBatch(*some(SHOTS), *some(QUERIES))


def made(**options) -> tuple[ProtoMAML, dict[str, torch.Tensor]]:
    learner = ProtoMAML(MODEL, cross_entropy, inner_lr=0.1, **options)
    return learner, {n: p.double() for n, p in learner.init(generator=seeded()).items()}


def head_by_loops(theta, task: TaskBatch) -> dict[str, torch.Tensor]:
    features = BODY(theta, task.support_x)
    means = [features[task.support_y == label].mean(0) for label in range(WAY)]
    weight = torch.stack([2 * mean for mean in means])
    bias = torch.stack([-(mean @ mean) for mean in means])
    return {"head.weight": weight, "head.bias": bias}


def test_before_the_first_step_it_is_a_prototypical_network():
    learner, theta = made()
    proto = ProtoNet(BODY, way=WAY)
    log_scale = torch.zeros((), dtype=torch.float64)
    for index in range(2):
        task = batch().task(index)
        start = learner.adapt(theta, task.support, inner_steps=0)
        assert len(start) == 1
        state = proto.adapt({**theta, "log_scale": log_scale}, task.support)[-1]
        expected = proto.predict(state, task.query_x)
        torch.testing.assert_close(learner.predict(start[0], task.query_x), expected, **CLOSE)
        features = BODY(theta, task.query_x)
        means = head_by_loops(theta, task)["head.weight"] / 2
        far = torch.cdist(features, means, compute_mode="donot_use_mm_for_euclid_dist") ** 2
        shift = features.square().sum(1, keepdim=True)
        torch.testing.assert_close(expected, shift - far, **CLOSE)


def loss_by_loops(theta, steps: int) -> torch.Tensor:
    """The head from its prototypes, then plain gradient steps on everything."""
    losses = []
    for index in range(2):
        task = batch().task(index)
        state = {**theta, **head_by_loops(theta, task)}
        # nodes of their own: an inner gradient is at a given head, not through how it was made
        state = {name: p.clone() for name, p in state.items()}
        for _ in range(steps):
            loss = cross_entropy(MODEL(state, task.support_x), task.support_y)
            slope = torch.autograd.grad(loss, list(state.values()), create_graph=True)
            state = {n: p - 0.1 * g for (n, p), g in zip(state.items(), slope, strict=True)}
        losses.append(cross_entropy(MODEL(state, task.query_x), task.query_y))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_loss_and_outer_gradient_are_those_of_plain_loops(steps):
    learner, theta = made(inner_steps=steps)
    gradient, loss = meta_gradient(learner, theta, batch())
    leaves = {name: p.clone().requires_grad_() for name, p in theta.items()}
    expected = loss_by_loops(leaves, steps)
    slopes = torch.autograd.grad(expected, list(leaves.values()))
    torch.testing.assert_close(loss, expected.detach(), **CLOSE)
    torch.testing.assert_close(gradient, dict(zip(leaves, slopes, strict=True)), **CLOSE)


def test_the_outer_gradient_passes_through_the_prototypes():
    """MAML that is handed the same head as a constant has the same loss, and another gradient."""
    learner, theta = made()
    task = batch().task(0)
    head = {name: p.detach() for name, p in head_by_loops(theta, task).items()}
    plain = MAML(MODEL, cross_entropy, inner_lr=0.1)

    def constant_head(theta):
        return plain.task_loss({**theta, **head}, task)

    torch.testing.assert_close(learner.task_loss(theta, task), constant_head(theta), **CLOSE)
    through = grad(lambda t: learner.task_loss(t, task))(theta)["layers.3.weight"]
    assert (through - grad(constant_head)(theta)["layers.3.weight"]).norm() > 0.1 * through.norm()


def test_theta_has_no_head_and_learned_rates_have():
    learner, theta = made(learned_rates=True)
    assert "head.weight" not in theta
    assert "log_inner_lr.head.weight" in theta
    assert {name: tuple(p.shape) for name, p in theta.items()} == learner.shapes()
    plain, _ = made()
    mine = {name: theta[name] for name in plain.shapes()}
    # the rates are float32's nearest to 0.1
    torch.testing.assert_close(
        meta_loss(learner, theta, batch()), meta_loss(plain, mine, batch()), rtol=1e-5, atol=0
    )


def test_a_head_without_a_bias_is_refused():
    model = Model(lambda: nn.Linear(4, 3, bias=False))
    with pytest.raises(ValueError, match="head has weight; ProtoMAML needs a weight and a bias"):
        ProtoMAML(model)
