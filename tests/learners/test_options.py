"""No option of a learner is ignored: each changes what it should, or a learner does not have it."""

from __future__ import annotations

from dataclasses import fields
from functools import cache, partial

import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu import inner
from maml_edu.foundation.options import options_of
from maml_edu.learners import LEARNERS, Learner
from maml_edu.models import conv4
from maml_edu.outer import meta_gradient
from maml_edu.tasks import TaskBatch

WAY = 3
MODEL, BODY = conv4(WAY, channels=4), conv4(None, channels=4)

# A value, other than the default, of every option that some learner has.
OTHER = {
    "loss": partial(cross_entropy, label_smoothing=0.3),
    "inner_lr": 0.3,
    "head_lr": 0.7,
    "inner_steps": 3,
    "protocol": "support-only",
    "checkpointing": True,
    "first_order": True,
    "learned_rates": True,
    "per_step_losses": True,
    "annealing": 0.9,
    "first_order_until": 0.7,
    "last_weight": 0.2,
    "minibatch": 2,
    "strength": 0.5,
    "cg_steps": 1,
    "characters": 8,
    "way": 4,
}
# `way`, `characters` and `loss` follow from the tasks, so they are fields, but no options.
FIELDS = {"loss", "way", "characters"}
EACH = [
    (name, field.name)
    for name, kind in LEARNERS.items()
    for field in fields(kind)
    if field.name in FIELDS | set(options_of(kind))
]
LACKING = [
    (name, option)
    for name, kind in LEARNERS.items()
    for option in OTHER
    if option not in FIELDS | set(options_of(kind))
]


def made(name: str, **options) -> Learner:
    kind = LEARNERS[name]
    defaults = {"way": WAY} if kind.headless else {}
    defaults |= {"inner_steps": 2, "inner_lr": 0.1} if hasattr(kind, "inner_lr") else {}
    defaults |= {"characters": 7} if name == "pretrain" else {}
    model = BODY if kind.headless else MODEL
    return kind(model, **{"loss": cross_entropy, **defaults, **options})


def drawings() -> TaskBatch:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(2, 2, WAY * 2, 1, 28, 28, generator=generator)
    y = torch.arange(WAY).repeat(2).expand(2, -1)
    info = {"character": torch.tensor([[0, 3, 6], [5, 1, 2]]), "rotation": torch.ones(2, 3).long()}
    return TaskBatch(x[0], y, x[1], y, info)


@cache
def plain(name: str) -> list[torch.Tensor]:
    found = outcome(made(name))
    assert same(found, outcome(made(name)))  # so that a difference is the option's
    return found


def outcome(learner: Learner) -> list[torch.Tensor]:
    """All that a learner comes to: theta, its gradient and loss, and answers of adapted states."""
    batch = drawings()
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    theta = {name: p + 0.01 for name, p in theta.items()}  # off symmetric starts
    gradient, loss = meta_gradient(learner.at_progress(0.5), theta, batch)
    task = batch.task(0)
    states = learner.adapt(theta, task.support)
    answers = learner.predict(states[-1], task.query_x, task.support_x)
    return [*theta.values(), *gradient.values(), loss, torch.tensor(len(states)), answers]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.allclose(a, b, rtol=1e-5, atol=1e-7)
        for a, b in zip(one, other, strict=True)
    )


def other_value(name: str, option: str):
    default = {f.name: f.default for f in fields(LEARNERS[name])}[option]
    value = OTHER[option]
    return not default if isinstance(value, bool) and isinstance(default, bool) else value


@pytest.mark.parametrize(("name", "option"), EACH)
def test_an_option_is_honoured(name, option, monkeypatch):
    value = other_value(name, option)
    if option == "checkpointing":  # the same numbers, found another way
        asked = []
        real = inner.checkpointed
        monkeypatch.setattr(inner, "checkpointed", lambda fn: asked.append(fn) or real(fn))
        assert same(plain(name), outcome(made(name, checkpointing=True)))
        assert asked
    else:
        assert not same(plain(name), outcome(made(name, **{option: value})))


@pytest.mark.parametrize(("name", "option"), LACKING)
def test_an_option_that_a_learner_does_not_have_is_refused(name, option):
    with pytest.raises(TypeError, match=option):
        made(name, **{option: OTHER[option]})


def test_every_option_of_a_learner_is_tried():
    assert set(OTHER) == FIELDS | {o for kind in LEARNERS.values() for o in options_of(kind)}


def test_anil_takes_rates_by_step():
    by_step = made("anil", inner_lr=[0.1, 0.5])
    assert not same(plain("anil"), outcome(by_step))
    assert same(plain("anil"), outcome(made("anil", inner_lr=[0.1, 0.1])))


def test_maml_plus_plus_keeps_what_it_was_given_throughout_the_training():
    learner = made("maml++", last_weight=0.2, first_order=True)
    for progress in (0, 0.5, 1):
        assert learner.at_progress(progress).last_weight == 0.2
        assert learner.at_progress(progress).first_order


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("maml++", {"annealing": 1.5}, "annealing is 1.5; it must be a fraction from 0 to 1"),
        ("imaml", {"strength": 0.0}, "strength is 0.0; it must be a finite number above 0"),
        ("imaml", {"cg_steps": 0}, "cg_steps is 0; it must be an integer from 1"),
        ("matching", {"way": 1}, "way is 1; it must be an integer, 2 or more"),
        ("protonet", {"way": 1}, "way is 1; it must be an integer, 2 or more"),
    ],
)
def test_a_value_out_of_bounds_is_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        made(name, **options)
