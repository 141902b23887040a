"""A model is a pure function of its parameters."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from maml_edu.models import Model, mlp


def test_mlp_is_the_network_written_out():
    model = mlp(2, 5, 3)
    theta = model.init(generator=torch.Generator().manual_seed(0))
    x = torch.randn(7, 2)
    hidden = (x @ theta["0.weight"].T + theta["0.bias"]).relu()
    expected = hidden @ theta["2.weight"].T + theta["2.bias"]
    torch.testing.assert_close(model(theta, x), expected)
    assert model.shapes() == {name: tuple(p.shape) for name, p in theta.items()}


def test_init_depends_on_its_generator_alone():
    model = mlp(1, 4, 1)
    torch.manual_seed(1)
    one = model.init(generator=torch.Generator().manual_seed(7))
    drawn_after = torch.rand(1)
    torch.manual_seed(2)
    two = model.init(generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    assert all(torch.equal(one[n], two[n].float()) for n in one)
    assert two["0.weight"].dtype == torch.float64
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), drawn_after)  # the global generator was left alone


@pytest.mark.parametrize("sizes", [(), (1,), (1, 0, 1), (1, -3, 1), (1, 2.5, 1)])
def test_bad_sizes_name_themselves(sizes):
    with pytest.raises(ValueError, match="sizes"):
        mlp(*sizes)


def test_running_statistics_are_refused():
    with pytest.raises(ValueError, match="track_running_stats=False"):
        Model(lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
