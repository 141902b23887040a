"""ANIL: the head adapts by itself, and the outer gradient still reaches the body."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

from maml_edu.learners import ANIL
from maml_edu.models import conv4, mlp
from maml_edu.outer import meta_gradient
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 8, 1)
GENERATOR = torch.Generator().manual_seed(0)
TASK = SinusoidTasks().sample(1, shots=5, queries=5, generator=GENERATOR).task(0)


def test_only_the_last_layer_moves():
    learner = ANIL(MODEL, inner_lr=0.05, inner_steps=3)
    theta = learner.init(generator=GENERATOR)
    adapted = learner.adapt(theta, TASK.support)[-1]
    assert [n for n in theta if not torch.equal(adapted[n], theta[n])] == ["2.weight", "2.bias"]
    grads, _ = meta_gradient(learner, theta, TaskBatch(*(part[None] for part in TASK[:4])))
    assert grads["0.weight"].abs().max() > 0


@pytest.mark.parametrize("steps", [1, 3])
def test_loss_and_outer_gradient_are_those_of_a_plain_loop_over_the_head(steps):
    learner = ANIL(MODEL, inner_lr=0.05, inner_steps=steps)
    theta = {n: p.double() for n, p in learner.init(generator=GENERATOR).items()}
    leaves = {name: p.clone().requires_grad_() for name, p in theta.items()}
    (x, y), (query_x, query_y) = ([part.double() for part in p] for p in (TASK[:2], TASK[2:4]))

    def outputs(weight, bias, x):  # the network by hand
        hidden = (x @ leaves["0.weight"].T + leaves["0.bias"]).relu()
        return hidden @ weight.T + bias

    head = leaves["2.weight"], leaves["2.bias"]
    for _ in range(steps):
        loss = (outputs(*head, x) - y).square().mean()
        slopes = torch.autograd.grad(loss, head, create_graph=True)
        head = [p - 0.05 * s for p, s in zip(head, slopes, strict=True)]
    expected = (outputs(*head, query_x) - query_y).square().mean()
    outer = torch.autograd.grad(expected, list(leaves.values()))
    batch = TaskBatch(*(part.double()[None] for part in TASK[:4]))
    gradient, loss = meta_gradient(learner, theta, batch)
    close = {"rtol": 1e-10, "atol": 1e-12}
    torch.testing.assert_close(loss, expected.detach(), **close)
    torch.testing.assert_close(gradient, dict(zip(leaves, outer, strict=True)), **close)


def test_one_step_from_a_head_of_zeros_weighs_queries_by_centred_prototypes():
    way, shots, rate = 4, 3, 5.0
    model = conv4(way, channels=6)
    theta = model.init(generator=GENERATOR, dtype=torch.float64)
    theta |= {name: torch.zeros_like(theta[name]) for name in ("head.weight", "head.bias")}
    x = torch.rand(way * shots + 8, 1, 20, 20, generator=GENERATOR, dtype=torch.float64)
    y = torch.arange(way).repeat(shots)
    learner = ANIL(model, cross_entropy, inner_lr=rate)
    logits = learner.predict(learner.adapt(theta, (x[: len(y)], y))[-1], x[len(y) :])
    body = {name: p for name, p in theta.items() if not name.startswith("head.")}
    features = [conv4(None, channels=6)(body, part) for part in (x[: len(y)], x[len(y) :])]
    prototypes = one_hot(y).double().T @ features[0] / shots
    # at zero all classes are equally likely, so the head's gradient is (mean - prototype) / way
    expected = rate / way * features[1] @ (prototypes - prototypes.mean(0)).T
    torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-12)


def test_a_rate_for_the_body_is_refused():
    with pytest.raises(ValueError, match=r"inner_lr is for 0.weight; ANIL adapts 2.weight, 2.bias"):
        ANIL(MODEL, inner_lr={"0.weight": 0.1})
