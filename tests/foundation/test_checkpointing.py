"""Steps that are run again on the way back: the same gradients, in less memory."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.profiler import ProfilerActivity, profile

from maml_edu.foundation.checkpointing import checkpointed
from maml_edu.learners import ANIL, MAML, MAMLPlusPlus, MetaSGD, ProtoMAML
from maml_edu.models import dense4, mlp
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.runs.config import TrainConfig
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 8, 8, 1)
WAVES = {
    "maml": MAML(MODEL, inner_lr=0.02, inner_steps=4),
    "first order": MAML(MODEL, inner_lr=0.02, inner_steps=4, first_order=True),
    "rates by step": MAML(MODEL, inner_lr=[0.02, {"0.bias": 0.1}, 0.01], inner_steps=3),
    "learned rates": MAML(MODEL, inner_lr=0.02, inner_steps=3, learned_rates=True),
    "per-step losses": MAML(MODEL, inner_lr=0.02, inner_steps=3, per_step_losses=True),
    "meta-sgd": MetaSGD(MODEL, inner_lr=0.02, inner_steps=2),
    "maml++": MAMLPlusPlus(MODEL, inner_lr=0.02, inner_steps=3),
}
CHARACTERS = {
    "maml": MAML(dense4(3), cross_entropy, inner_lr=0.1, inner_steps=2),
    "anil": ANIL(dense4(3), cross_entropy, inner_lr=0.1, inner_steps=2),
    "protomaml": ProtoMAML(dense4(3), cross_entropy, inner_lr=0.1, inner_steps=2),
}


def waves(n_tasks: int = 3, points: int = 5) -> TaskBatch:
    generator = torch.Generator().manual_seed(3)
    drawn = SinusoidTasks().sample(n_tasks, shots=points, queries=4, generator=generator)
    return TaskBatch(*(part.double() for part in drawn[:4]))


def characters() -> TaskBatch:
    generator = torch.Generator().manual_seed(4)
    pictures = torch.rand(2, 2, 6, 1, 28, 28, generator=generator, dtype=torch.float64)
    labels = torch.arange(3).repeat(2, 2)
    return TaskBatch(pictures[0], labels, pictures[1], labels)


def start(learner) -> dict[str, torch.Tensor]:
    theta = learner.init(generator=torch.Generator().manual_seed(5))
    return {name: p.double() for name, p in theta.items()}


def assert_same_gradient(learner, batch: TaskBatch, chunk_size: int | None = None) -> None:
    theta = start(learner)
    expected, loss = meta_gradient(learner, theta, batch)
    sparing = replace(learner, checkpointing=True)
    grads, same_loss = meta_gradient(sparing, theta, batch, chunk_size=chunk_size)
    assert max(g.abs().max() for g in expected.values()) > 1e-3
    torch.testing.assert_close(same_loss, loss, rtol=1e-12, atol=0)
    for name, g in expected.items():
        torch.testing.assert_close(grads[name], g, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", WAVES)
@pytest.mark.parametrize("n_tasks", [1, 3])  # one task goes without vmap
def test_the_gradient_is_the_same(name, n_tasks):
    assert_same_gradient(WAVES[name], waves(n_tasks), chunk_size=2)


@pytest.mark.parametrize("name", CHARACTERS)
def test_the_gradient_is_the_same_with_batch_norm_and_labels(name):
    assert_same_gradient(CHARACTERS[name], characters())


@pytest.mark.parametrize("capture", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_training_is_the_same(capture):
    training = Training(6, meta_batch=3, capture=capture)
    plain, sparing = (
        list(meta_train(replace(WAVES["maml"], checkpointing=c), SinusoidTasks(), training))[-1]
        for c in (False, True)
    )
    for name, p in plain.theta.items():
        torch.testing.assert_close(sparing.theta[name], p, rtol=1e-5, atol=1e-6)


def peak_bytes(learner, batch: TaskBatch) -> int:
    """The most that tensors made by one meta-gradient held at any time."""
    theta = start(learner)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        meta_gradient(learner, theta, batch)
    changes = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes.sort(key=lambda e: e.start_ns())
    return int(torch.tensor([e.nbytes() for e in changes]).cumsum(0).max())


def test_memory_at_ten_steps_is_at_most_two_fifths():
    learner = MAML(mlp(1, 16, 16, 1), inner_steps=10)
    batch = waves(2, points=200)
    plain, sparing = (peak_bytes(replace(learner, checkpointing=c), batch) for c in (False, True))
    assert sparing <= 0.4 * plain
    fewer = peak_bytes(replace(learner, inner_steps=5), batch)
    assert plain > 1.5 * fewer  # so it is the steps that it is spent on


def test_a_function_of_nested_arguments_keeps_numbers_and_whole_tensors():
    def fn(theta, pair):
        return {"y": pair[0] * theta["w"] ** 2, "index": pair[1] * theta["w"]}

    w = torch.tensor([1.0, 2.0], dtype=torch.float64)
    pair = (3.0, torch.tensor([1, 2]))

    def total(w, fn):
        return sum(part.sum() for part in fn({"w": w}, pair).values())

    expected = torch.func.grad(total)(w, fn)
    torch.testing.assert_close(torch.func.grad(total)(w, checkpointed(fn)), expected)
    torch.testing.assert_close(expected, 6 * w + pair[1])


def test_a_config_may_ask_for_it():
    assert TrainConfig.make("omniglot", checkpointing=True).make_learner().checkpointing
    with pytest.raises(ValueError, match="checkpointing is True; protonet.* no such option"):
        TrainConfig.make("omniglot", learner="protonet", checkpointing=True)
