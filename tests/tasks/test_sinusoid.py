"""Sine tasks: shapes, ranges, seeds, and that a task is one wave throughout."""

from __future__ import annotations

import math

import pytest
import torch

from maml_edu.tasks import SinusoidTasks


def sample(n=50, seed=0, tasks=None, **options):
    options = {"shots": 5, "queries": 7} | options
    return (tasks or SinusoidTasks()).sample(
        n, generator=torch.Generator().manual_seed(seed), **options
    )


def test_shapes_and_ranges():
    batch = sample(500)
    assert batch.support_x.shape == batch.support_y.shape == (500, 5, 1)
    assert batch.query_x.shape == batch.query_y.shape == (500, 7, 1)
    amplitude, phase = batch.info["amplitude"], batch.info["phase"]
    assert 0.1 <= amplitude.min() < 0.3
    assert 4.8 < amplitude.max() <= 5
    assert 0 <= phase.min() < 0.1
    assert 3.0 < phase.max() <= math.pi
    assert -5 <= batch.query_x.min() < -4.9
    assert 4.9 < batch.query_x.max() <= 5


def test_support_and_query_are_points_of_the_tasks_own_wave():
    tasks, batch = SinusoidTasks(), sample()
    for i in range(50):
        task = batch.task(i)
        for x, y in (task.support, task.query):
            torch.testing.assert_close(tasks.truth(task, x[:, 0]), y[:, 0])


def test_support_and_query_share_no_point():
    batch = sample()
    assert not (batch.support_x[:, :, None] == batch.query_x[:, None]).any()


def test_each_task_may_be_told_its_own_wave():
    first = sample()
    told = {name: first.info[name] for name in SinusoidTasks.described_by}
    again = sample(seed=1, **told)
    assert all(torch.equal(again.info[name], told[name]) for name in told)
    assert not torch.equal(again.support_x, first.support_x)
    assert sample(amplitude=2.0).info["amplitude"].tolist() == [2.0] * 50


def test_seeds():
    assert torch.equal(sample().query_y, sample().query_y)
    assert not torch.equal(sample().query_y, sample(seed=1).query_y)


def test_noise_has_its_standard_deviation():
    noisy = sample(4000, tasks=SinusoidTasks(noise=0.5))
    clean = noisy.info["amplitude"][:, None, None] * torch.sin(
        noisy.query_x - noisy.info["phase"][:, None, None]
    )
    assert (noisy.query_y - clean).std().item() == pytest.approx(0.5, rel=0.03)


def test_given_amplitude_and_phase_hold_for_all_and_leave_the_points_alone():
    batch, drawn = sample(amplitude=2.0, phase=1.0), sample()
    assert (batch.info["amplitude"] == 2).all()
    assert (batch.info["phase"] == 1).all()
    assert torch.equal(batch.support_x, drawn.support_x)


def test_revealed_tasks_carry_amplitude_and_phase_in_x():
    tasks = SinusoidTasks(reveal_task=True)
    batch = sample(tasks=tasks)
    assert batch.support_x.shape == (50, 5, tasks.features)
    task = batch.task(3)
    told = torch.stack([task.info["amplitude"], task.info["phase"]])
    assert (task.query_x[:, 1:] == told).all()
    torch.testing.assert_close(tasks.inputs(task, task.query_x[:, 0]), task.query_x)


@pytest.mark.parametrize("name", ["n_tasks", "shots", "queries"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_bad_counts_name_themselves(name, value):
    arguments = {"n_tasks": 1, "shots": 1, "queries": 1} | {name: value}
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        SinusoidTasks().sample(**arguments)


@pytest.mark.parametrize(
    "bad", [{"amplitude": (5, 1)}, {"phase": (0, math.inf)}, {"noise": -1.0}, {"noise": math.nan}]
)
def test_bad_ranges_name_themselves(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        SinusoidTasks(**bad)
