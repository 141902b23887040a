"""The outer loop: vmap against a plain loop, gradients against finite differences, and resuming."""

from __future__ import annotations

import math

import pytest
import torch

from maml_edu.foundation import capture
from maml_edu.learners import MAML, Joint, MetaSGD
from maml_edu.models import mlp
from maml_edu.outer import Diverged, Training, meta_gradient, meta_loss, meta_train
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 8, 8, 1)


@pytest.fixture
def batch() -> TaskBatch:
    generator = torch.Generator().manual_seed(3)
    parts = SinusoidTasks().sample(6, shots=5, queries=4, generator=generator)
    return TaskBatch(*(part.double() for part in parts[:4]))


@pytest.fixture
def theta():
    return MODEL.init(generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def by_hand(theta, batch, inner_lr, inner_steps, create_graph=True):
    """The meta-loss with nothing from the package but the model: loops, and torch.autograd."""
    losses = []
    for i in range(len(batch.support_x)):
        adapted = theta
        for _ in range(inner_steps):
            loss = (MODEL(adapted, batch.support_x[i]) - batch.support_y[i]).square().mean()
            grads = torch.autograd.grad(loss, list(adapted.values()), create_graph=create_graph)
            adapted = {
                name: p - inner_lr * g for (name, p), g in zip(adapted.items(), grads, strict=True)
            }
        losses.append((MODEL(adapted, batch.query_x[i]) - batch.query_y[i]).square().mean())
    return torch.stack(losses).mean()


@pytest.mark.parametrize("steps", range(1, 6))
@pytest.mark.parametrize("first_order", [False, True])
def test_meta_gradient_equals_a_hand_written_loop(theta, batch, steps, first_order):
    learner = MAML(MODEL, inner_lr=0.02, inner_steps=steps, first_order=first_order)
    grads, loss = meta_gradient(learner, theta, batch)
    leaves = {name: p.clone().requires_grad_() for name, p in theta.items()}
    expected_loss = by_hand(leaves, batch, 0.02, steps, create_graph=not first_order)
    expected = torch.autograd.grad(expected_loss, list(leaves.values()))
    torch.testing.assert_close(loss, expected_loss.detach(), rtol=1e-10, atol=1e-12)
    for name, g in zip(theta, expected, strict=True):
        torch.testing.assert_close(grads[name], g, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_meta_gradient_equals_finite_differences(theta, batch, steps):
    learner = MAML(MODEL, inner_lr=0.02, inner_steps=steps)
    grads, _ = meta_gradient(learner, theta, batch)
    generator, h = torch.Generator().manual_seed(0), 1e-6
    for _ in range(5):
        way = {n: torch.randn(p.shape, generator=generator).double() for n, p in theta.items()}
        ends = [
            meta_loss(learner, {n: p + sign * h * way[n] for n, p in theta.items()}, batch)
            for sign in (1, -1)
        ]
        slope = (ends[0] - ends[1]) / (2 * h)
        along = sum((grads[n] * way[n]).sum() for n in theta)
        torch.testing.assert_close(along, slope, rtol=1e-5, atol=1e-7)


def test_first_order_differs_from_the_true_gradient(theta, batch):
    true, _ = meta_gradient(MAML(MODEL, inner_lr=0.1), theta, batch)
    first, _ = meta_gradient(MAML(MODEL, inner_lr=0.1, first_order=True), theta, batch)
    assert max((true[n] - first[n]).abs().max() for n in theta) > 1e-3


@pytest.mark.parametrize("chunk_size", [1, 2, 4, 6, 100])
def test_chunks_give_the_whole(theta, batch, chunk_size):
    learner = MAML(MODEL, inner_lr=0.02, inner_steps=2)
    whole, loss = meta_gradient(learner, theta, batch)
    chunked, chunked_loss = meta_gradient(learner, theta, batch, chunk_size=chunk_size)
    torch.testing.assert_close(chunked_loss, loss, rtol=1e-12, atol=0)
    for name in theta:
        torch.testing.assert_close(chunked[name], whole[name], rtol=1e-10, atol=1e-14)


def test_a_chunk_is_captured_once_however_many_there_are(monkeypatch):
    """Capturing all chunks one after the other took a minute for 32 tasks of Omniglot."""
    met = []
    monkeypatch.setattr(
        capture, "capture", lambda fn, *args, **how: met.append(len(args[1][3])) or fn
    )
    chunked = train(steps=3, every=3, meta_batch=7, chunk_size=2)
    assert met == [2, 1]  # 2, 2, 2 and 1 tasks
    whole = train(steps=3, every=3, meta_batch=7, capture=False)
    assert chunked[-1].meta_loss == pytest.approx(whole[-1].meta_loss, rel=1e-5)


def train(**options):
    options = {"steps": 12, "every": 4, "meta_batch": 4, "seed": 5} | options
    learner = options.pop("learner", MAML(MODEL))
    how = {name: options.pop(name) for name in ("every", "state") if name in options}
    return list(meta_train(learner, SinusoidTasks(), Training(**options), **how))


@pytest.fixture(scope="module")
def whole():
    return train()


def assert_same_bits(a, b):
    assert a.step == b.step
    assert torch.equal(a.generator, b.generator)
    for name in a.theta:
        assert torch.equal(a.theta[name], b.theta[name])
        assert a.moments[name].keys() == b.moments[name].keys()
        assert all(torch.equal(a.moments[name][k], b.moments[name][k]) for k in a.moments[name])


def test_the_same_seed_gives_the_same_bits_and_another_does_not(whole):
    first, again, other = whole, train(), train(seed=6)
    assert [state.step for state in first] == [0, 4, 8, 12]
    assert_same_bits(first[-1], again[-1])
    assert not torch.equal(first[-1].theta["0.weight"], other[-1].theta["0.weight"])


@pytest.mark.parametrize("at", [0, 1, 2])
def test_resuming_equals_never_stopping(whole, at):
    assert_same_bits(train(state=whole[at])[-1], whole[-1])


@pytest.mark.parametrize("learner", [MAML(MODEL, inner_steps=2), Joint(MODEL)])
def test_capturing_changes_nothing(learner):
    captured, eager = train(learner=learner)[-1], train(learner=learner, capture=False)[-1]
    for name in eager.theta:
        torch.testing.assert_close(captured.theta[name], eager.theta[name], rtol=1e-5, atol=1e-7)


def test_what_is_not_captured_cannot_be_compiled():
    with pytest.raises(ValueError, match="compile is True and capture False"):
        train(compile=True, capture=False)


def test_the_rate_rises_then_follows_a_half_cosine():
    training = Training(1000, meta_lr=2.0, warmup=0.1)
    rates = [training.step_size(step) for step in range(1001)]
    assert rates[0] == pytest.approx(2.0 / 100)
    assert rates[49] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.049)))
    assert rates[500] == pytest.approx(1.0)
    assert rates[1000] == pytest.approx(0.0)
    assert rates[:99] == sorted(rates[:99])
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert Training(1000, meta_lr=2.0, warmup=0.0).step_size(0) == 2.0
    assert training.step_size(500, highest=6.0) == pytest.approx(3.0)
    assert Training(1000, schedule="constant").step_size(999) == 1e-3


def test_yielded_states_stay_what_they_were():
    states = meta_train(MAML(MODEL), SinusoidTasks(), Training(4, meta_batch=2), every=2)
    first = next(states)
    kept = {name: p.clone() for name, p in first.theta.items()}
    list(states)
    assert all(torch.equal(first.theta[name], kept[name]) for name in kept)


@pytest.mark.slow
def test_training_lowers_the_loss():
    learner = MAML(mlp(1, 40, 40, 1))
    states = train(learner=learner, steps=400, every=200, meta_lr=1e-2, meta_batch=25)
    start, first, second = (state.meta_loss for state in states)
    assert math.isnan(start)
    assert second < 0.75 * first


def test_divergence_is_said_and_the_last_good_state_kept():
    learner = MAML(MODEL, inner_lr=1e6, inner_steps=5)
    states = meta_train(
        learner, SinusoidTasks(), Training(50, meta_lr=0.1, capture=False), every=10
    )
    good = next(states)
    with pytest.raises(Diverged, match=r"smaller meta_lr than 0\.1"):
        list(states)
    assert all(p.isfinite().all() for p in good.theta.values())


def test_steps_0_yields_the_start_alone():
    assert [state.step for state in train(steps=0)] == [0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", -1), ("meta_batch", 0), ("shots", 0), ("queries", -2), ("every", 0),
     ("meta_lr", 0.0), ("meta_lr", math.nan), ("steps", 2.5), ("warmup", 1.5), ("warmup", -0.1)],
)  # fmt: skip
def test_bad_arguments_name_themselves(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        train(**{name: value})


def test_param_groups_say_what_moves_with_which_step_size():
    """A rate's name does not matter, only the group that its learner puts it in."""

    class Renamed(Joint):
        def param_groups(self, theta):
            return {"meta_lr": ["2.bias"], "rates_lr": [name for name in theta if name != "2.bias"]}

    start, end = train(
        learner=Renamed(MODEL), steps=1, meta_lr=1e-3, rates_lr=0.5, warmup=0.0, capture=False
    )
    for name, p in end.theta.items():  # Adam's first step is as long as its step size
        moved = (p - start.theta[name]).abs().max().item()
        assert moved == pytest.approx(1e-3 if name == "2.bias" else 0.5, rel=1e-3)


@pytest.mark.parametrize(
    ("learner", "learned"),
    [
        (MAML(MODEL, inner_steps=2, learned_rates=True), "log_inner_lr."),
        (MetaSGD(MODEL), "inner_lr."),
    ],
)
def test_learned_rates_move_with_rates_lr(learner, learned):
    how = {"learner": learner, "steps": 1, "meta_lr": 1e-3, "warmup": 0.0, "capture": False}
    start, end = train(**how, rates_lr=0.1)
    for name, p in end.theta.items():
        moved = (p - start.theta[name]).abs().max().item()
        assert moved == pytest.approx(0.1 if name.startswith(learned) else 1e-3, rel=1e-2)
    *_, same = train(**how)  # rates_lr: as meta_lr
    assert max((same.theta[n] - p).abs().max() for n, p in start.theta.items()) < 1.01e-3


# --- optimisers


@pytest.mark.parametrize(
    "options",
    [
        {"optimiser": "sgd"},
        {"optimiser": "sgd", "momentum": 0.9},
        {"weight_decay": 0.1},
        {"optimiser": "sgd", "momentum": 0.5, "weight_decay": 0.1, "clip": 0.5},
        {"clip": 0.01},
    ],
)
def test_each_optimiser_is_that_of_pytorch_and_resumes_with_the_same_bits(options):
    """Against torch.optim on the same gradients."""
    states = train(**options, meta_lr=0.05, warmup=0.0, schedule="constant", capture=False)
    again = train(
        **options, meta_lr=0.05, warmup=0.0, schedule="constant", capture=False, state=states[1]
    )
    assert_same_bits(again[-1], states[-1])
    learner, generator = MAML(MODEL), torch.Generator().manual_seed(5)
    theta = {n: p.requires_grad_() for n, p in learner.init(generator=generator).items()}
    decay = options.get("weight_decay", 0.0)
    if options.get("optimiser") == "sgd":
        how = {"momentum": options.get("momentum", 0.0), "weight_decay": decay}
        optimiser = torch.optim.SGD(theta.values(), lr=0.05, **how)
    else:
        optimiser = torch.optim.AdamW(theta.values(), lr=0.05, weight_decay=decay)
    for _ in range(12):
        batch = SinusoidTasks().sample(4, shots=10, queries=10, generator=generator)
        grads, _ = meta_gradient(learner, {n: p.detach() for n, p in theta.items()}, batch)
        for n, p in theta.items():
            p.grad = grads[n].clone()
        if "clip" in options:
            torch.nn.utils.clip_grad_norm_(theta.values(), options["clip"])
        optimiser.step()
    for n, p in theta.items():
        torch.testing.assert_close(states[-1].theta[n], p.detach(), rtol=1e-3, atol=1e-5)


def test_momentum_is_of_sgd_and_learned_rates_do_not_decay():
    with pytest.raises(ValueError, match=r"momentum is 0\.5; only sgd takes one"):
        Training(1, momentum=0.5)
    with pytest.raises(ValueError, match="optimiser is 'rmsprop'; it must be one of adam, sgd"):
        Training(1, optimiser="rmsprop")
    how = {"steps": 1, "meta_lr": 1e-3, "warmup": 0.0, "capture": False}
    learner = MAML(MODEL, learned_rates=True)
    _, plain = train(**how, learner=learner)
    _, decayed = train(**how, learner=learner, weight_decay=100.0)
    for name, p in plain.theta.items():
        assert torch.equal(p, decayed.theta[name]) == name.startswith("log_inner_lr.")
