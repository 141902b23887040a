"""A GPU comes to what the CPU comes to: in float64, to the last few digits."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.utils._pytree import tree_map

from maml_edu.foundation.capture import captured
from maml_edu.learners import MAML
from maml_edu.models import conv4, mlp
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.tasks import SinusoidTasks, TaskBatch

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device here"),
]
CLOSE = {"rtol": 1e-8, "atol": 1e-10}


def waves(n_tasks: int) -> TaskBatch:
    generator = torch.Generator().manual_seed(1)
    return SinusoidTasks().sample(n_tasks, shots=5, queries=4, generator=generator)


def pictures(n_tasks: int) -> TaskBatch:
    x = torch.rand(2, n_tasks, 5, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    y = torch.arange(5).repeat(n_tasks, 1)
    return TaskBatch(x[0], y, x[1], y)


CASES = {
    "sine": (MAML(mlp(1, 8, 8, 1), inner_lr=0.02, inner_steps=3), waves(3)),
    "conv4": (MAML(conv4(5, channels=8), cross_entropy, inner_lr=0.1, inner_steps=2), pictures(3)),
}


@pytest.fixture(params=CASES)
def sides(request):
    """A learner; its theta and tasks in float64, on the CPU and on the GPU."""
    learner, batch = CASES[request.param]
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    here = tree_map(lambda t: t.double() if t.is_floating_point() else t, (theta, batch))
    return learner, here, tree_map(lambda t: t.cuda(), here)


def test_inner_steps(sides):
    learner, (theta, batch), (theta_there, batch_there) = sides
    here = learner.adapt(theta, batch.task(0).support)
    there = learner.adapt(theta_there, batch_there.task(0).support)
    assert all(p.is_cuda for p in there[-1].values())
    torch.testing.assert_close(tree_map(lambda t: t.cpu(), there), here, **CLOSE)


@pytest.mark.parametrize("chunk_size", [None, 2])
@pytest.mark.parametrize("capture", [False, True])
def test_meta_gradients(sides, chunk_size, capture):
    learner, (theta, batch), there = sides

    def gradient(theta, batch):
        return meta_gradient(learner, theta, batch, chunk_size=chunk_size)

    found = (captured(gradient) if capture else gradient)(*there)
    found = tree_map(lambda t: t.cpu(), found)
    torch.testing.assert_close(found, gradient(theta, batch), **CLOSE)


def test_training_on_the_gpu_ends_where_it_does_on_the_cpu():
    learner, _ = CASES["sine"]
    training = Training(10, meta_batch=4)
    here, there = (
        list(meta_train(learner, SinusoidTasks(), training, device=device))[-1]
        for device in ("cpu", "cuda")
    )
    assert there.meta_loss == pytest.approx(here.meta_loss, rel=1e-3)
