"""Evaluation: the right mean, an interval that covers as often as it says, honest seeds."""

from __future__ import annotations

import math

import pytest
import torch

from maml_edu.evaluate import Estimate, Evaluation, accuracy, evaluate, query_values
from maml_edu.learners import LEARNERS, MAML
from maml_edu.models import mlp
from maml_edu.tasks import SinusoidTasks

LEARNER = MAML(mlp(1, 8, 1), inner_lr=0.02)
THETA = LEARNER.model.init(generator=torch.Generator().manual_seed(0))


def test_interval_covers_the_truth_about_95_times_in_100():
    generator = torch.Generator().manual_seed(0)
    draws = torch.rand(2000, 400, generator=generator)
    covered = [abs(e.mean - 0.5) <= e.half_width for e in (Estimate.of(values) for values in draws)]
    assert 0.93 < sum(covered) / len(covered) < 0.97


def test_equals_one_task_after_the_other():
    batch = SinusoidTasks().sample(5, shots=4, queries=6, generator=torch.Generator())
    values = query_values(LEARNER, THETA, batch, inner_steps=3, chunk_size=2)
    assert values.shape == (5, 4)
    for i in range(5):
        task = batch.task(i)
        for step, state in enumerate(LEARNER.adapt(THETA, task.support, inner_steps=3)):
            expected = LEARNER.loss_at(state, *task.query)
            torch.testing.assert_close(values[i, step], expected)


def test_the_seed_chooses_the_tasks():
    one, two, other = (
        evaluate(LEARNER, THETA, SinusoidTasks(), Evaluation(20, inner_steps=1, seed=seed))
        for seed in (1, 1, 2)
    )
    assert one == two != other
    assert [e.n_tasks for e in one] == [20, 20]


def test_another_metric():
    def largest_error(outputs, y):
        return (outputs - y).abs().max()

    squared, largest = (
        evaluate(LEARNER, THETA, SinusoidTasks(), Evaluation(30, inner_steps=0, metric=metric))
        for metric in (None, largest_error)
    )
    assert largest[0].mean > math.sqrt(squared[0].mean)


def test_one_task_has_no_interval():
    (estimate,) = evaluate(LEARNER, THETA, SinusoidTasks(), Evaluation(1, inner_steps=0))
    assert math.isnan(estimate.half_width)


@pytest.mark.parametrize("name", ["n_tasks", "shots", "queries", "chunk_size", "batch_size"])
def test_bad_arguments_name_themselves(name):
    with pytest.raises(ValueError, match=f"{name} is 0; it must be an integer, 1 or more"):
        Evaluation(**{name: 0})


def test_batches_hold_all_tasks_and_no_more():
    sizes = []

    class Counted(SinusoidTasks):
        def sample(self, n_tasks, **how):
            sizes.append(n_tasks)
            return super().sample(n_tasks, **how)

    (found,) = evaluate(LEARNER, THETA, Counted(), Evaluation(7, inner_steps=0, batch_size=3))
    assert (sizes, found.n_tasks) == ([3, 3, 1], 7)


class OnADeviceWithoutFloat64(torch.Tensor):
    """A tensor as Apple's GPUs have them: it refuses float64 until `cpu()` has moved it."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.Tensor.cpu:
            return args[0].as_subclass(torch.Tensor)
        if function is torch.Tensor.double:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return super().__torch_function__(function, types, args, kwargs or {})


def test_an_estimate_needs_no_float64_on_the_device():
    values = torch.tensor([0.25, 0.5, 0.75])
    there = values.as_subclass(OnADeviceWithoutFloat64)
    with pytest.raises(TypeError, match="float64"):
        there.double()
    assert Estimate.of(there) == Estimate.of(values)


def test_padding_does_not_count():
    """Labels of -100 are left out, as in cross-entropy; a batch of them alone has no accuracy."""
    outputs = torch.eye(3)[torch.tensor([0, 1, 2, 0])]
    assert accuracy(outputs, torch.tensor([0, 1, -100, -100])) == 1.0
    assert accuracy(outputs, torch.tensor([0, 2, -100, 1])) == pytest.approx(1 / 3)
    assert accuracy(outputs, torch.full((4,), -100)).isnan()


@pytest.mark.parametrize("name", ["protonet", "matching", "maml"])
def test_padded_samples_change_no_answer(name):
    kind = LEARNERS[name]
    model, given = (mlp(2, 8), {"way": 3}) if kind.headless else (mlp(2, 8, 3), {"inner_lr": 0.5})
    learner = kind(model, torch.nn.functional.cross_entropy, **given)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    x = torch.randn(9, 2, generator=torch.Generator().manual_seed(1))
    y = torch.tensor([0, 1, 2])
    padded_x = torch.cat([x[:3], torch.randn(4, 2, generator=torch.Generator().manual_seed(2))])
    padded_y = torch.cat([y, torch.full((4,), -100)])
    wanted = learner.predict(learner.adapt(theta, (x[:3], y))[-1], x[3:])
    got = learner.predict(learner.adapt(theta, (padded_x, padded_y))[-1], x[3:])
    torch.testing.assert_close(got, wanted)
