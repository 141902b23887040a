"""conv4 and dense4: the networks written out, and derivatives of both orders."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from maml_edu.foundation.capture import capture
from maml_edu.inner import adapt
from maml_edu.learners import MAML
from maml_edu.models import PROTOCOLS, Model, conv4, dense4, predict
from maml_edu.models.norm import BatchNorm
from maml_edu.outer import meta_gradient
from maml_edu.tasks import TaskBatch

WAY = 3
SMALL = {
    "conv4": conv4(WAY, channels=4),
    "dense4": dense4(WAY, features=20 * 20, hidden=(7, 6, 5, 4)),
}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tasks(n: int = 3, shots: int = 2, queries: int = 2) -> TaskBatch:
    """Random pictures: large enough that no batch-norm of conv4 sees one value only."""
    y = [torch.arange(WAY).repeat_interleave(k).expand(n, -1) for k in (shots, queries)]
    x = [
        torch.rand(n, WAY * k, 1, 20, 20, generator=seeded(k), dtype=torch.float64)
        for k in (shots, queries + 10)
    ]
    return TaskBatch(x[0], y[0], x[1][:, : WAY * queries], y[1])


@pytest.fixture(params=SMALL)
def model(request):
    return SMALL[request.param]


@pytest.fixture
def theta(model):
    """With batch-norm's parameters away from 1 and 0, so that they count."""
    theta = model.init(generator=seeded(), dtype=torch.float64)
    return {
        name: p + 0.3 * torch.randn(p.shape, generator=seeded(i), dtype=p.dtype)
        for i, (name, p) in enumerate(theta.items())
    }


def test_bfloat16_is_the_same_network_coarsely():
    exact, coarse = conv4(WAY, channels=8), conv4(WAY, channels=8, precision="bfloat16")
    theta = exact.init(generator=seeded())
    x = torch.rand(12, 1, 20, 20, generator=seeded(1))
    y = torch.arange(12) % WAY
    grads = [grad(lambda t, m=m: F.cross_entropy(m(t, x), y))(theta) for m in (exact, coarse)]
    assert all(g.dtype == torch.float32 for g in grads[1].values())
    for name in theta:
        a, b = (g[name].flatten() for g in grads)
        assert F.cosine_similarity(a, b, dim=0) > 0.98, name
    context = torch.rand(5, 1, 20, 20, generator=seeded(2))
    torch.testing.assert_close(
        coarse(theta, x, context), exact(theta, x, context), atol=0.05, rtol=0.05
    )
    with pytest.raises(ValueError, match="precision is 'int8'; it must be one of float32, bf"):
        conv4(WAY, precision="int8")


def test_conv4_is_the_network_written_out():
    model = conv4(5)
    theta = model.init(generator=seeded())
    x = images = torch.rand(6, 1, 28, 28, generator=seeded(1))
    sides = []
    for i in range(4):
        x = F.conv2d(x, theta[f"layers.{i}.weight"], stride=2, padding=1)
        weight, bias = theta[f"norms.{i}.weight"], theta[f"norms.{i}.bias"]
        x = F.batch_norm(x, None, None, weight, bias, training=True, eps=1e-3).relu()
        sides.append(x.shape[2])
    expected = F.linear(x.mean((2, 3)), theta["head.weight"], theta["head.bias"])
    torch.testing.assert_close(model(theta, images), expected)
    assert sides == [14, 7, 4, 2]
    assert sum(p.numel() for p in theta.values()) == 9 * 64 + 3 * 9 * 64**2 + 8 * 64 + 65 * 5


def test_conv4_with_pixels_keeps_each_of_the_last_ones():
    """Four times as many as conv4 takes the mean of: its last stride is 1."""
    model = conv4(None, channels=4, pixels=True)
    theta = model.init(generator=torch.Generator().manual_seed(0))
    x = torch.rand(7, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    h = x
    for i, stride in enumerate((2, 2, 2, 1)):
        h = F.conv2d(h, theta[f"layers.{i}.weight"], stride=stride, padding=1)
        weight, bias = theta[f"norms.{i}.weight"], theta[f"norms.{i}.bias"]
        h = F.batch_norm(h, None, None, weight, bias, True, eps=1e-3).relu()
    assert h.shape == (7, 4, 4, 4)
    assert torch.allclose(model(theta, x), h.flatten(1) / 16, atol=1e-5)
    with_head = conv4(5, channels=4, pixels=True)
    assert with_head.shapes()["head.weight"] == (5, 64)


def test_dense4_is_the_network_written_out():
    model = dense4(5)
    theta = model.init(generator=seeded())
    images = torch.rand(6, 1, 28, 28, generator=seeded(1))
    x = images.flatten(1)
    for i in range(4):
        x = F.linear(x, theta[f"layers.{i}.1.weight"])
        weight, bias = theta[f"norms.{i}.weight"], theta[f"norms.{i}.bias"]
        x = F.batch_norm(x, None, None, weight, bias, training=True, eps=1e-3).relu()
    expected = F.linear(x, theta["head.weight"], theta["head.bias"])
    torch.testing.assert_close(model(theta, images), expected)
    assert [theta[f"layers.{i}.1.weight"].shape[0] for i in range(4)] == [256, 128, 64, 64]


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3, 3)])
@pytest.mark.parametrize("side_by_side", [False, True])
def test_batch_norm_is_one_function_in_both_of_its_ways(shape, side_by_side, monkeypatch):
    norm = Model(lambda: BatchNorm(4))
    theta = {
        name: p + torch.rand(4, generator=seeded(), dtype=torch.float64)
        for name, p in norm.init(dtype=torch.float64).items()
    }

    def loss(theta, x):
        return norm(theta, x).sigmoid().square().sum()

    def after_a_step(theta, x):
        slope = grad(loss)(theta, x)
        return loss({name: p - 0.1 * slope[name] for name, p in theta.items()}, x.square())

    of_one = grad(after_a_step, argnums=(0, 1))
    of_all = vmap(of_one, in_dims=(None, 0))
    x = torch.rand(3, *shape, generator=seeded(1), dtype=torch.float64)
    found = []
    for many in (1, 100):
        monkeypatch.setattr(BatchNorm, "many", many)
        found.append(of_all(theta, x) if side_by_side else of_one(theta, x[0]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-10, atol=1e-10)
    assert all(p.abs().max() > 1e-3 for p in found[0][0].values())


def meta_loss_of_one(model, theta, task, inner_steps, protocol):
    def support_loss(theta, x, y):
        return F.cross_entropy(model(theta, x), y)

    adapted = adapt(support_loss, theta, *task.support, inner_lr=0.1, inner_steps=inner_steps)[-1]
    outputs = predict(model, adapted, task.query_x, task.support_x, protocol)
    return F.cross_entropy(outputs, task.query_y)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("inner_steps", [0, 1, 2])
def test_meta_gradient_equals_finite_differences(model, theta, inner_steps, protocol):
    task = tasks(1).task(0)

    def loss(theta):
        return meta_loss_of_one(model, theta, task, inner_steps, protocol)

    gradient, h = grad(loss)(theta), 1e-6
    for seed in range(3):
        along = {
            name: torch.randn(p.shape, generator=seeded(seed), dtype=p.dtype)
            for name, p in theta.items()
        }
        ahead, behind = (
            loss({name: p + sign * h * along[name] for name, p in theta.items()})
            for sign in (1, -1)
        )
        expected = (ahead - behind) / (2 * h)
        slope = sum((gradient[name] * along[name]).sum() for name in theta)
        torch.testing.assert_close(slope, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_vmap_equals_a_loop_over_tasks(model, theta, protocol):
    batch = tasks()

    def gradient(theta, task):
        return grad(lambda t: meta_loss_of_one(model, t, task, 2, protocol))(theta)

    at_once = vmap(gradient, in_dims=(None, 0))(theta, batch)
    for i in range(3):
        for name, g in gradient(theta, batch.task(i)).items():
            torch.testing.assert_close(at_once[name][i], g, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("protocol", PROTOCOLS)
# Sides that are odd within: 5 and 3; 7. Inputs of a patch: 9, or more than the 16 channels.
@pytest.mark.parametrize(("side", "in_channels"), [(20, 1), (28, 5)])
def test_products_are_the_same_network(protocol, side, in_channels):
    """To both orders, for tasks one by one, side by side, checkpointed, captured."""
    plain, products = (
        conv4(WAY, channels=16, in_channels=in_channels, products=on) for on in (False, True)
    )
    theta = {
        name: p + 0.1 * torch.randn(p.shape, generator=seeded(i), dtype=p.dtype)
        for i, (name, p) in enumerate(plain.init(generator=seeded(), dtype=torch.float64).items())
    }
    assert products.shapes() == plain.shapes()
    y = torch.arange(WAY).repeat_interleave(2).expand(3, -1)
    x = torch.rand(2, 3, 2 * WAY, in_channels, side, side, generator=seeded(), dtype=torch.float64)
    batch = TaskBatch(x[0], y, x[1], y)

    def learner(model, **options):
        how = {"inner_lr": 0.1, "inner_steps": 2, "protocol": protocol, **options}
        return MAML(model, F.cross_entropy, **how)

    expected = meta_gradient(learner(plain), theta, batch)
    ours = learner(products)
    found = {
        "side by side": meta_gradient(ours, theta, batch),
        "one by one": meta_gradient(ours, theta, batch, chunk_size=1),
        "checkpointed": meta_gradient(learner(products, checkpointing=True), theta, batch),
        "captured": capture(partial(meta_gradient, ours), theta, batch)(theta, batch),
    }
    for way, result in found.items():
        torch.testing.assert_close(result, expected, rtol=1e-10, atol=1e-10, msg=way)
    first = meta_gradient(learner(products, first_order=True), theta, batch)[0]
    assert (first["layers.0.weight"] - expected[0]["layers.0.weight"]).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: conv4(1), "way is 1; it must be an integer, 2 or more"),
        (lambda: conv4(5, channels=0), "channels is 0"),
        (lambda: dense4(0), "way is 0"),
        (lambda: dense4(5, features=-1), "features is -1"),
        (lambda: dense4(5, hidden=(8, 0)), r"hidden\[1\] is 0"),
        (lambda: dense4(5, hidden=()), "hidden is empty"),
    ],
)
def test_bad_sizes_name_themselves(make, message):
    with pytest.raises(ValueError, match=message):
        make()
