"""Planes of parameters and landscapes over them, against direct computation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from maml_edu.learners import MAML
from maml_edu.models import mlp
from maml_edu.tasks import SinusoidTasks
from maml_edu.views.traces import landscape, main_plane, random_plane, unflat
from maml_edu.views.traces.landscape_trace import flat, paths

LEARNER = MAML(mlp(1, 8, 1), inner_lr=0.02)


@pytest.fixture(scope="module")
def theta():
    return LEARNER.model.init(generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def batch():
    generator = torch.Generator().manual_seed(1)
    return SinusoidTasks().sample(3, shots=5, queries=7, generator=generator)


def test_flat_and_back(theta):
    row = flat(theta)
    assert row.shape == (25,)
    back = unflat(row, theta)
    assert list(back) == list(theta)
    assert all(torch.equal(back[name], theta[name]) for name in theta)


def test_paths_are_the_adaptations(theta, batch):
    taken = paths(LEARNER, theta, batch, inner_steps=4)
    assert taken.shape == (3, 5, 25)
    alone = LEARNER.adapt(theta, batch.task(2).support, inner_steps=4)
    torch.testing.assert_close(taken[2], torch.stack([flat(state) for state in alone]))


def test_the_main_plane_holds_more_than_any_other(theta, batch):
    taken = paths(LEARNER, theta, batch)
    plane = main_plane(theta, taken)
    torch.testing.assert_close(
        plane.directions @ plane.directions.T, torch.eye(2), atol=1e-5, rtol=0
    )
    best = plane.explained_fraction(taken)
    assert 0 < best <= 1
    for seed in range(20):
        other = random_plane(theta, 1.0, generator=torch.Generator().manual_seed(seed))
        assert other.explained_fraction(taken) < best


def test_points_in_a_plane_come_back(theta, batch):
    plane = main_plane(theta, paths(LEARNER, theta, batch))
    at = torch.tensor([0.3, -0.2])
    inside = flat(plane.point(at))
    torch.testing.assert_close(plane.coordinates(inside), at, atol=1e-5, rtol=0)
    assert plane.explained_fraction(inside) == pytest.approx(1, abs=1e-4)
    assert plane.coordinates(flat(theta)).tolist() == [0, 0]


def test_the_window_holds_the_paths(theta, batch):
    taken = paths(LEARNER, theta, batch)
    plane = main_plane(theta, taken)
    away = (plane.coordinates(taken) - plane.middle).abs().max()
    assert 0.3 * plane.side < away < plane.side / 2


def test_heights_are_the_losses_of_the_networks_there(theta, batch):
    plane = replace(main_plane(theta, paths(LEARNER, theta, batch)), resolution=5)
    for on, points in (("support", batch.task(1).support), ("query", batch.task(1).query)):
        trace = landscape(LEARNER, theta, batch, plane, task=1, on=on)
        for row, column in ((0, 0), (1, 4), (3, 2)):
            at = torch.tensor([trace.axis_x[column], trace.axis_y[row]], dtype=torch.float32)
            alone = LEARNER.loss_at(plane.point(at), *points).item()
            assert trace.height[row, column] == pytest.approx(alone, rel=1e-4)


def test_losses_are_those_of_the_real_parameters(theta, batch):
    plane = random_plane(theta, 1.0, generator=torch.Generator().manual_seed(0))
    trace = landscape(LEARNER, theta, batch, plane, task=2, inner_steps=3)
    states = LEARNER.adapt(theta, batch.task(2).support, inner_steps=3)
    alone = [LEARNER.loss_at(state, *batch.task(2).query).item() for state in states]
    np.testing.assert_allclose(trace.query_loss, alone, rtol=1e-4)
    assert trace.task == "task 3"
    assert list(trace.paths) == ["task 1", "task 2", "task 3"]
    assert trace.paths["task 1"].shape == (4, 2)
    assert trace.inner_steps == 3


def test_a_divergence_is_kept_and_spoils_nothing_else(theta, batch):
    wild = replace(LEARNER, inner_lr=1e8)
    plane = main_plane(theta, paths(LEARNER, theta, batch))
    trace = landscape(wild, theta, batch, plane)
    assert not np.isfinite(trace.support_loss[-1])
    assert np.isfinite(trace.height).all()
    assert 0 <= trace.explained_fraction <= 1
    assert main_plane(theta, paths(wild, theta, batch)).directions.isfinite().all()


def test_bad_input_is_said(theta, batch):
    plane = main_plane(theta, paths(LEARNER, theta, batch))
    with pytest.raises(ValueError, match="on is 'both'; .* 'support' or 'query'"):
        landscape(LEARNER, theta, batch, plane, on="both")
    with pytest.raises(ValueError, match="task is 3; .* 0 to 2"):
        landscape(LEARNER, theta, batch, plane, task=3)
    with pytest.raises(ValueError, match="resolution is 1"):
        replace(plane, resolution=1)
    with pytest.raises(ValueError, match="side is 0; .* above 0"):
        random_plane(theta, 0)
    with pytest.raises(ValueError, match="through has 1 finite points"):
        main_plane(theta, flat(theta)[None])


def test_learned_rates_are_not_part_of_the_plane(theta, batch):
    learner = replace(LEARNER, learned_rates=True, inner_steps=2)
    both = learner.init(generator=torch.Generator().manual_seed(0))
    plane = main_plane(theta, paths(learner, both, batch, inner_steps=2))
    trace = landscape(learner, both, batch, plane, inner_steps=2)
    assert trace.rate == "learned inner_lr"
    np.testing.assert_allclose(trace.paths["task 1"][0], 0, atol=1e-6)
