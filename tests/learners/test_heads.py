"""The head: which layer it is, and every learner's theta for another number of classes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from maml_edu.foundation.options import options_of
from maml_edu.learners import ANIL, LEARNERS, MAML, MetaSGD, Pretrain, ProtoMAML, ProtoNet
from maml_edu.learners.heads import resize_head, row_names, start_theta
from maml_edu.learners.metasgd import ALPHA
from maml_edu.models import Model, conv4, dense4, head_names, mlp
from maml_edu.runs import checkpoint

WITH_HEAD = [name for name, kind in LEARNERS.items() if not kind.headless]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class ByName(nn.Module):
    """A classifier whose layers are registered out of order, so that only a name tells its head."""

    def __init__(self):
        super().__init__()
        self.fc, self.body = nn.Linear(8, 3), nn.Linear(4, 8)

    def forward(self, x):
        return self.fc(self.body(x).relu())


def fc_last() -> nn.Module:
    net = nn.Sequential()
    net.add_module("body", nn.Linear(4, 8))
    net.add_module("relu", nn.ReLU())
    net.add_module("fc", nn.Linear(8, 3))
    return net


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (conv4(5), "head"),
        (conv4(None), None),
        (dense4(None), None),
        (mlp(1, 4, 2), "2"),
        (Model(lambda: nn.Linear(2, 2)), ""),
        (Model(fc_last), "fc"),
        (Model(ByName, head="fc"), "fc"),
        (Model(lambda: nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))), None),
    ],
)
def test_the_head_is_the_last_layer_if_that_is_linear_or_the_one_that_is_named(model, head):
    assert model.head == head


def test_a_head_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="head is 'top'; it must be one of body, fc"):
        Model(ByName, head="top")


@pytest.mark.parametrize("build", [fc_last, ByName])
def test_a_head_of_any_name_serves_every_learner(build):
    model = Model(build, head="fc")
    assert head_names(model, "it") == ["fc.weight", "fc.bias"]
    x, y = torch.randn(6, 4, generator=seeded()), torch.arange(3).repeat(2)
    anil = ANIL(model, cross_entropy, inner_lr=0.1)
    start, end = anil.adapt(theta := anil.init(generator=seeded()), (x, y))
    assert {n for n in theta if not torch.equal(start[n], end[n])} == {"fc.weight", "fc.bias"}
    proto = ProtoMAML(model, cross_entropy)
    assert set(proto.shapes()) == {"body.weight", "body.bias"}
    features = nn.functional.linear(x, theta["body.weight"], theta["body.bias"]).relu()
    made = proto.head({n: theta[n] for n in proto.shapes()}, (x, y))
    means = torch.stack([features[y == c].mean(0) for c in range(3)])
    torch.testing.assert_close(made["fc.weight"], 2 * means)


@pytest.mark.parametrize("make", [ANIL, ProtoMAML, Pretrain])
def test_a_learner_that_needs_a_head_says_so(make):
    """ANIL on the last parameters of all would adapt batch-norm."""
    with pytest.raises(ValueError, match=f"model has no head; {make.__name__} needs one"):
        make(conv4(None), cross_entropy).init()


# --- another number of classes


@pytest.fixture(scope="module")
def full():
    return checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")


def made(name: str, way: int, **options):
    options |= {"inner_steps": 5} if hasattr(LEARNERS[name], "inner_steps") else {}
    options |= {"characters": 4} if name == "pretrain" else {}
    return LEARNERS[name](conv4(way, channels=4), cross_entropy, **options)


@pytest.mark.parametrize("name", WITH_HEAD)
@pytest.mark.parametrize("way", [2, 5, 7])
def test_every_learners_theta_is_resized(name, way):
    """Five inner steps and five classes: a tensor of five rates is not one of five classes."""
    options = {"learned_rates": True} if "learned_rates" in options_of(LEARNERS[name]) else {}
    learner = made(name, 5, **options)
    theta = {n: torch.randn(p.shape, generator=seeded(1)) for n, p in learner.init().items()}
    other, resized = resize_head(learner, theta, conv4(way, channels=4))
    assert {n: tuple(p.shape) for n, p in resized.items()} == other.shapes()
    rows = {"head.weight", "head.bias"} & set(theta)
    rows |= {ALPHA + n for n in rows} & set(theta)
    for n, p in theta.items():
        if n in rows:
            for row in resized[n]:
                torch.testing.assert_close(row, p.mean(0))
        else:
            assert resized[n] is p
    x, y = torch.rand(way, 1, 28, 28, generator=seeded()), torch.arange(way)
    state = other.adapt(resized, (x, y), inner_steps=1)[-1]
    assert other.predict(state, x, x).shape == (way, way)


def test_given_rates_for_entries_of_the_head_are_resized_too():
    model = conv4(5, channels=4)
    rates = {"head.weight": torch.rand(5, 4), "head.bias": 0.1}
    for given in (rates, [rates, rates]):
        learner = ANIL(model, cross_entropy, inner_lr=given, inner_steps=2)
        other, theta = resize_head(learner, learner.init(generator=seeded()), conv4(3, channels=4))
        x = torch.rand(3, 1, 28, 28, generator=seeded())
        assert other.adapt(theta, (x, torch.arange(3)))[-1]["head.weight"].shape == (3, 4)


@pytest.mark.parametrize("way", [2, 3, 5, 7])
def test_every_class_is_as_likely_before_the_first_step(full, way):
    learner, theta = resize_head(full.learner, full.theta, conv4(way))
    x = torch.rand(way, 1, 28, 28, generator=seeded())
    before, *_, after = learner.adapt(theta, (x, torch.arange(way)), inner_steps=3)
    chances = learner.predict(before, x).softmax(1)
    assert torch.allclose(chances, torch.full_like(chances, 1 / way), atol=1e-5)
    assert torch.equal(learner.predict(after, x).argmax(1), torch.arange(way))
    assert full.learner.model.shapes()["head.weight"] == (5, 64)


def test_it_follows_the_labels_whichever_they_are(full):
    """Rows alike: what is dealt as label 0 or 1 makes no difference."""
    learner, theta = resize_head(full.learner, full.theta, conv4(2))
    x = torch.rand(2, 1, 28, 28, generator=seeded())
    one, other = (
        learner.predict(learner.adapt(theta, (x, torch.tensor(y)))[-1], x).softmax(1)
        for y in ([0, 1], [1, 0])
    )
    assert torch.allclose(one, other.flip(1), atol=1e-4)


@pytest.mark.parametrize(
    ("learner", "model", "message"),
    [
        (MAML(conv4(5), cross_entropy), conv4(None), "model has no head"),
        (ProtoNet(conv4(None)), conv4(None), "model has no head; resizing the head of ProtoNet"),
        (MAML(conv4(5), cross_entropy), mlp(1, 4, 2), "model is another network"),
        (MAML(conv4(5), cross_entropy), conv4(3, in_channels=3), "differ in layers.0.weight"),
    ],
)
def test_what_cannot_be_resized_is_refused(learner, model, message):
    theta = learner.init(generator=seeded())
    with pytest.raises(ValueError, match=message):
        resize_head(learner, theta, model)


# --- where a training starts from another's theta


def test_a_start_takes_what_fits_and_means_of_rows():
    body = MAML(conv4(5, channels=4), cross_entropy).init(generator=seeded(1))
    learner = MetaSGD(conv4(3, channels=4), cross_entropy, inner_lr=0.3)
    fresh = learner.init(generator=seeded())
    start = start_theta(learner, fresh, body)
    assert {n: tuple(p.shape) for n, p in start.items()} == learner.shapes()
    assert torch.equal(start["layers.0.weight"], body["layers.0.weight"])
    for row in start["head.weight"]:
        torch.testing.assert_close(row, body["head.weight"].mean(0))
    rates = start[ALPHA + "head.weight"]
    torch.testing.assert_close(rates, torch.full_like(rates, 0.3))


def test_a_start_without_a_head_has_rows_alike():
    learner = MAML(conv4(3, channels=4), cross_entropy)
    trained = ProtoNet(conv4(None, channels=4)).init(generator=seeded(1))
    start = start_theta(learner, fresh := learner.init(generator=seeded()), trained)
    for row in start["head.weight"]:
        torch.testing.assert_close(row, fresh["head.weight"].mean(0))
    assert start["norms.0.weight"].equal(trained["norms.0.weight"])


@pytest.mark.parametrize(
    ("trained", "message"),
    [
        (mlp(1, 40, 40, 1), r"nothing for layers.0.weight; it must be \(64, 1, 3, 3\)"),
        (dense4(5), r"nothing for layers.0.weight"),
        (conv4(5, channels=32), r"\(32, 1, 3, 3\) for layers.0.weight; it must be \(64, 1, 3, 3\)"),
    ],
)
def test_a_start_of_another_network_is_refused(trained, message):
    """Else a run would claim to have started from a theta of which it has few numbers or none."""
    learner = MAML(conv4(5), cross_entropy)
    theta = trained.init(generator=seeded())
    with pytest.raises(ValueError, match=f"start has {message}"):
        start_theta(learner, learner.init(generator=seeded()), theta)


def test_only_tensors_with_a_row_for_each_class_are_rows():
    learned = MAML(conv4(5), cross_entropy, inner_steps=5, learned_rates=True)
    assert row_names(learned) == {"head.weight", "head.bias"}
    assert row_names(replace(learned, model=conv4(None))) == set()
    assert row_names(MetaSGD(conv4(5), cross_entropy)) == {
        "head.weight", "head.bias", ALPHA + "head.weight", ALPHA + "head.bias",
    }  # fmt: skip
