"""The relatives of MAML against closed forms, plain loops and each other, in float64."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from torch.func import grad, vjp
from torch.nn.functional import cross_entropy, mse_loss

from maml_edu.learners import FOMAML, IMAML, MAML, MAMLPlusPlus, MetaSGD, Pretrain, Reptile
from maml_edu.learners.imaml import conjugate_gradients
from maml_edu.learners.maml import RATES
from maml_edu.learners.metasgd import ALPHA
from maml_edu.learners.reptile import minibatches
from maml_edu.models import conv4, mlp
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 6, 1)
LINEAR = mlp(3, 1)
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def doubles(theta):
    return {name: p.double() for name, p in theta.items()}


def waves(n: int = 1) -> TaskBatch:
    batch = SinusoidTasks().sample(n, shots=5, queries=7, generator=seeded(2))
    return TaskBatch(*(part.double() for part in batch[:4]))


def linear_task() -> TaskBatch:
    """One task of linear regression: its loss is a quadratic in theta."""
    x = torch.randn(2, 1, 8, 3, generator=seeded(3), dtype=torch.float64)
    y = torch.randn(2, 1, 8, 1, generator=seeded(4), dtype=torch.float64)
    return TaskBatch(x[0], y[0], x[1], y[1])


def hessian_and_slope(x, y):
    """Of the mean squared error of w x + b at 0, with w and b in one vector."""
    columns = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
    return 2 * columns.T @ columns / len(x), -2 * columns.T @ y[:, 0] / len(x)


def flat(gradient) -> torch.Tensor:
    return torch.cat([gradient["0.weight"].flatten(), gradient["0.bias"]])


def test_fomaml_is_the_query_gradient_where_adapting_ended():
    learner = FOMAML(MODEL, inner_lr=0.05, inner_steps=3)
    theta, batch = doubles(learner.init(generator=seeded())), waves()
    task = batch.task(0)
    adapted = learner.adapt(theta, task.support)[-1]
    expected = grad(learner.loss_at)(adapted, *task.query)
    torch.testing.assert_close(meta_gradient(learner, theta, batch)[0], expected, **CLOSE)
    exact, _ = meta_gradient(MAML(MODEL, inner_lr=0.05, inner_steps=3), theta, batch)
    assert not torch.allclose(exact["0.weight"], expected["0.weight"], rtol=1e-2)


def test_reptile_steps_towards_where_a_plain_loop_ends():
    learner = Reptile(MODEL, inner_lr=0.02, inner_steps=4)
    theta, batch = doubles(learner.init(generator=seeded())), waves(3)
    moved = {name: torch.zeros_like(p) for name, p in theta.items()}
    for index in range(3):
        task, state = batch.task(index), theta
        x = torch.cat([task.support_x, task.query_x])
        y = torch.cat([task.support_y, task.query_y])
        for _ in range(4):
            slope = grad(learner.loss_at)(state, x, y)
            state = {name: p - 0.02 * slope[name] for name, p in state.items()}
        moved = {name: moved[name] + (state[name] - theta[name]) / 3 for name in theta}
    gradient, loss = meta_gradient(learner, theta, batch)
    torch.testing.assert_close(gradient, {n: -m for n, m in moved.items()}, **CLOSE)
    assert loss > 0


def test_reptile_of_one_step_is_joint_training():
    learner = Reptile(MODEL, inner_lr=0.02, inner_steps=1)
    theta, batch = doubles(learner.init(generator=seeded())), waves()
    task = batch.task(0)
    x, y = torch.cat([task.support_x, task.query_x]), torch.cat([task.support_y, task.query_y])
    joint = grad(learner.loss_at)(theta, x, y)
    expected = {name: 0.02 * g for name, g in joint.items()}
    torch.testing.assert_close(meta_gradient(learner, theta, batch)[0], expected, **CLOSE)


def test_each_inner_step_of_reptile_may_see_other_samples():
    """Five samples of twelve a step: the third step takes the two left over, and three again."""
    learner = Reptile(MODEL, inner_lr=0.02, inner_steps=4, minibatch=5)
    theta, batch = doubles(learner.init(generator=seeded())), waves()
    x, y = batch.task(0).samples
    turns = minibatches(12, 5, 4)
    assert [len(seen) for seen in turns] == [5, 5, 5, 5]
    in_turn = sum(turns, [])
    assert sorted(in_turn[:12]) == list(range(12))
    assert len(set(in_turn[12:])) == 8
    assert in_turn[12:] != in_turn[:8]
    state = theta
    for seen in turns:
        slope = grad(learner.loss_at)(state, x[seen], y[seen])
        state = {name: p - 0.02 * slope[name] for name, p in state.items()}
    expected = {name: theta[name] - p for name, p in state.items()}
    torch.testing.assert_close(meta_gradient(learner, theta, batch)[0], expected, **CLOSE)
    assert [sorted(seen) for seen in minibatches(3, 5, 2)] == [[0, 1, 2]] * 2
    whole, cut = (Reptile(MODEL, inner_steps=2, minibatch=m) for m in (None, 20))
    together = (meta_gradient(one, theta, batch)[0] for one in (whole, cut))
    torch.testing.assert_close(*together, **CLOSE)
    with pytest.raises(ValueError, match="inner_lr is a list by steps; with a minibatch all"):
        Reptile(MODEL, inner_lr=[0.1] * 5, minibatch=5)


def four_each(k: int):
    """k minibatches, (x, y) each, of one wave."""
    x, y = SinusoidTasks().sample(1, shots=4 * k, queries=1, generator=seeded(5))[:2]
    return list(zip(x[0].double().split(4), y[0].double().split(4), strict=True))


def in_every_order(sets, *, mixed: bool) -> TaskBatch:
    """Tasks of the same minibatches in all orders: the mean over them is what to expect when the
    order is drawn. mixed: the samples stand where `minibatches` takes them in turn."""
    xs, ys = (torch.stack([torch.cat(o) for o in permutations(p)]) for p in zip(*sets, strict=True))
    if mixed:
        places = torch.tensor(sum(minibatches(4 * len(sets), 4, len(sets)), [])).argsort()
        xs, ys = xs[:, places], ys[:, places]
    return TaskBatch(xs[:, :-4], ys[:, :-4], xs[:, -4:], ys[:, -4:])


def averages(learner, theta, sets):
    """AvgGrad and AvgGradInner of Nichol et al. (2018), section 5.1: the mean gradient of a
    minibatch at theta, and the mean of one's Hessian times another one's gradient."""
    slope = grad(learner.loss_at)
    gradients = [slope(theta, *each) for each in sets]
    products = []
    for i, each in enumerate(sets):
        _, pull = vjp(lambda t, each=each: slope(t, *each), theta)  # a Hessian is symmetric
        products += [pull(other)[0] for j, other in enumerate(gradients) if j != i]
    return mean_of(gradients), mean_of(products)


def mean_of(dicts):
    return flattened({name: sum(d[name] for d in dicts) / len(dicts) for name in dicts[0]})


def flattened(gradient) -> torch.Tensor:
    return torch.cat([g.flatten() for g in gradient.values()])


@pytest.mark.parametrize(
    ("learner", "k", "first", "second"),
    [
        (MAML(MODEL, inner_steps=1), 2, 1, 2),
        (FOMAML(MODEL, inner_steps=1), 2, 1, 1),
        (Reptile(MODEL, inner_steps=2, minibatch=4), 2, 2, 1),
        (Reptile(MODEL, inner_steps=3, minibatch=4), 3, 3, 3),
        (Reptile(MODEL, inner_steps=4, minibatch=4), 4, 4, 6),
    ],
)
def test_three_meta_gradients_have_the_expansion_of_nichol_et_al(learner, k, first, second):
    """For k minibatches: MAML AvgGrad - 2 (k - 1) a AvgGradInner, FOMAML (k - 1) a, and Reptile,
    divided by a, k AvgGrad - k (k - 1) / 2 a AvgGradInner, each but for terms in a^2."""
    theta = doubles(learner.init(generator=seeded()))
    sets, left_over = four_each(k), {}
    mean, inner = averages(learner, theta, sets)
    batch = in_every_order(sets, mixed=isinstance(learner, Reptile))
    for rate in (1e-3, 1e-4):
        at_rate = replace(learner, inner_lr=rate)
        found = flattened(meta_gradient(at_rate, theta, batch)[0])
        if isinstance(learner, Reptile):
            found = found / rate
        rest = first * mean - found
        left_over[rate] = (rest - second * rate * inner).norm()
        assert (rest @ inner / (rate * inner @ inner)).item() == pytest.approx(
            second, abs=1e3 * rate
        )
    assert left_over[1e-4] < 0.011 * left_over[1e-3]  # it falls with the rate squared


def test_meta_sgd_begins_as_maml_and_learns_each_weights_rate():
    rate = torch.tensor(0.05).item()  # a float32, as Meta-SGD's rates begin
    learner, plain = MetaSGD(MODEL, inner_lr=rate), MAML(MODEL, inner_lr=rate)
    theta, batch = doubles(learner.init(generator=seeded())), waves()
    mine = {name: theta[name] for name in MODEL.shapes()}
    gradient, loss = meta_gradient(learner, theta, batch)
    expected, their_loss = meta_gradient(plain, mine, batch)
    torch.testing.assert_close(loss, their_loss, **CLOSE)
    torch.testing.assert_close({n: gradient[n] for n in mine}, expected, **CLOSE)
    # d loss / d alpha = - grad L_support * grad L_query(adapted), entry by entry
    task = batch.task(0)
    slope = grad(learner.loss_at)(mine, *task.support)
    at_end = grad(learner.loss_at)(learner.adapt(theta, task.support)[-1], *task.query)
    for name in mine:
        torch.testing.assert_close(gradient[ALPHA + name], -slope[name] * at_end[name], **CLOSE)
    with pytest.raises(ValueError, match=r"inner_lr is \{'0.bias': 1\}; it must be one number"):
        MetaSGD(MODEL, inner_lr={"0.bias": 1})


def test_meta_sgd_starts_from_one_rate_or_one_for_each_tensor():
    given = {name: float(number + 1) for number, name in enumerate(MODEL.shapes())}
    start = MetaSGD(MODEL, inner_lr=given).init(generator=seeded())
    for name, rate in given.items():
        assert (start[ALPHA + name] == rate).all()
    one = MetaSGD(MODEL, inner_lr=0.5).init(generator=seeded())
    assert all((one[ALPHA + name] == 0.5).all() for name in given)


def test_maml_plus_plus_moves_the_weight_to_the_last_step():
    learner = MAMLPlusPlus(MODEL, inner_lr=0.05, inner_steps=4, annealing=0.5)
    theta, task = doubles(learner.init(generator=seeded())), waves().task(0)
    losses = [
        learner.loss_at(state, *task.query) for state in learner.adapt(theta, task.support)[1:]
    ]
    at_first = learner.at_progress(0.0).task_loss(theta, task)
    torch.testing.assert_close(at_first, torch.stack(losses).mean(), **CLOSE)
    small = 0.03 / 4
    at_last = small * sum(losses[:-1]) + (1 - 3 * small) * losses[-1]
    torch.testing.assert_close(learner.at_progress(1.0).task_loss(theta, task), at_last, **CLOSE)
    torch.testing.assert_close(learner.task_loss(theta, task), at_last, **CLOSE)
    weights = [
        learner.at_progress(progress).last_weight for progress in (0, 0.1, 0.2, 0.3, 0.4, 0.5, 1)
    ]
    assert weights == sorted(weights)
    assert learner.at_progress(0.2).first_order
    assert not learner.at_progress(0.3).first_order


def test_maml_plus_plus_is_a_plain_loop_with_a_rate_for_each_tensor_and_step():
    learner = MAMLPlusPlus(MODEL, inner_lr=0.05, inner_steps=3, last_weight=0.5)
    theta, batch = doubles(learner.init(generator=seeded())), waves()
    shift = torch.rand(3, generator=seeded(5), dtype=torch.float64)
    theta |= {name: p + shift for name, p in theta.items() if name.startswith(RATES)}
    leaves = {name: p.clone().requires_grad_() for name, p in theta.items()}
    state, expected = {name: leaves[name] for name in MODEL.shapes()}, 0.0
    for step, weight in enumerate((0.25, 0.25, 0.5)):
        loss = mse_loss(MODEL(state, batch.support_x[0]), batch.support_y[0])
        slope = torch.autograd.grad(loss, list(state.values()), create_graph=True)
        state = {
            name: p - leaves[RATES + name][step].exp() * s
            for (name, p), s in zip(state.items(), slope, strict=True)
        }
        expected = expected + weight * mse_loss(MODEL(state, batch.query_x[0]), batch.query_y[0])
    slopes = torch.autograd.grad(expected, list(leaves.values()))
    gradient, loss = meta_gradient(learner, theta, batch)
    torch.testing.assert_close(loss, expected.detach(), **CLOSE)
    torch.testing.assert_close(gradient, dict(zip(leaves, slopes, strict=True)), **CLOSE)


@pytest.mark.slow
def test_a_learner_that_changes_while_it_trains_is_captured_again():
    learner = MAMLPlusPlus(MODEL, inner_lr=0.01, inner_steps=2, annealing=0.3)
    how = {"steps": 6, "meta_batch": 2, "shots": 3, "queries": 3}
    ends = [
        list(meta_train(learner, SinusoidTasks(), Training(**how, capture=capture)))[-1].theta
        for capture in (True, False)
    ]
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-6)


def test_conjugate_gradients_solve_a_symmetric_system():
    root = torch.randn(6, 6, generator=seeded(), dtype=torch.float64)
    matrix = root @ root.T + torch.eye(6, dtype=torch.float64)
    b = torch.randn(6, generator=seeded(1), dtype=torch.float64)
    x = conjugate_gradients(lambda v: {"v": matrix @ v["v"]}, {"v": b}, steps=6)["v"]
    torch.testing.assert_close(x, torch.linalg.solve(matrix, b), rtol=1e-9, atol=1e-9)


def test_imaml_on_a_quadratic_is_the_implicit_closed_form():
    strength = 0.7
    how = {"inner_lr": 0.2, "inner_steps": 400, "strength": strength, "cg_steps": 4}
    learner = IMAML(LINEAR, **how)
    theta, batch = doubles(learner.init(generator=seeded())), linear_task()
    task = batch.task(0)
    hessian, slope = hessian_and_slope(*task.support)
    pull = hessian + strength * torch.eye(4, dtype=torch.float64)
    adapted = torch.linalg.solve(pull, strength * flat(theta) - slope)
    found = learner.adapt(theta, task.support)[-1]
    torch.testing.assert_close(flat(found), adapted, **CLOSE)
    query_hessian, query_slope = hessian_and_slope(*task.query)
    expected = strength * torch.linalg.solve(pull, query_hessian @ adapted + query_slope)
    gradient, loss = meta_gradient(learner, theta, batch)
    torch.testing.assert_close(flat(gradient), expected, **CLOSE)
    torch.testing.assert_close(loss, learner.loss_at(found, *task.query), **CLOSE)
    # it is the derivative of the loss at the minimum, so the graph of all steps says the same
    through = grad(lambda t: learner.loss_at(learner.adapt(t, task.support)[-1], *task.query))
    torch.testing.assert_close(flat(through(theta)), expected, rtol=1e-8, atol=1e-10)


def test_pretraining_tells_all_characters_apart_and_then_starts_a_fresh_head():
    learner = Pretrain(conv4(3, channels=4), cross_entropy, characters=5)
    theta = doubles(learner.init(generator=seeded()))
    assert theta["classes.weight"].shape == (20, 4)
    theta["classes.weight"] = torch.randn(20, 4, generator=seeded(1), dtype=torch.float64)
    x = torch.rand(6, 1, 28, 28, generator=seeded(2), dtype=torch.float64)
    y = torch.arange(3).repeat(2)
    info = {"character": torch.tensor([4, 0, 2]), "rotation": torch.tensor([3, 0, 1])}
    task = TaskBatch(x[:3], y[:3], x[3:], y[3:], info)
    body = {name: theta[name] for name in conv4(None, channels=4).shapes()}
    logits = conv4(None, channels=4)(body, x) @ theta["classes.weight"].T
    expected = cross_entropy(logits, torch.tensor([19, 0, 9]).repeat(2))
    torch.testing.assert_close(learner.task_loss(theta, task), expected, **CLOSE)
    states = learner.adapt(theta, task.support, inner_steps=1)
    assert learner.predict(states[0], task.query_x).abs().max() == 0
    assert set(states[1]) == set(learner.model.shapes())
    assert states[1]["head.weight"].abs().sum() > 0
