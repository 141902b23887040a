"""A batch of tasks."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch.func import vmap

from maml_edu.tasks import TaskBatch

PARTS = tuple(torch.arange(6.0).view(2, 3, 1) + i for i in range(4))


def test_each_batch_has_an_info_of_its_own():
    one, other = TaskBatch(*PARTS), TaskBatch(*PARTS)
    one.info["amplitude"] = torch.ones(2)
    assert other.info == TaskBatch(*PARTS).info == {}


@pytest.mark.parametrize("info", [{}, {"phase": torch.arange(2.0)}])
def test_a_batch_stays_a_named_tuple(info):
    batch = TaskBatch(*PARTS, info)
    for same in (copy.deepcopy(batch), pickle.loads(pickle.dumps(batch)), batch._replace()):
        assert same._fields == ("support_x", "support_y", "query_x", "query_y", "info")
        assert all(torch.equal(a, b) for a, b in zip(same[:4], batch[:4], strict=True))
        assert set(same.info) == set(info)
    assert torch.equal(vmap(lambda task: task.query_y - task.support_x)(batch), 3 + 0 * PARTS[0])
