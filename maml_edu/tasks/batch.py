"""A batch of tasks, and the interface of their sources."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from maml_edu.foundation.types import Device


class TaskBatch(NamedTuple):
    """Tasks stacked along the first axis, each with a support set to adapt to and a query set that
    judges the result.

    As a named tuple it is a pytree, so `vmap` maps over its tasks and hands the mapped function one
    task, without the first axis.

    support_x: (tasks, shots, features)     support_y: (tasks, shots, outputs)
    query_x:   (tasks, queries, features)   query_y:   (tasks, queries, outputs)
    info: what made each task, such as its amplitude: name -> (tasks, …). Default: nothing.
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor
    info: dict[str, Tensor] = {}

    @property
    def n_tasks(self) -> int:
        """How many tasks there are, in a batch (not in one task of it)."""
        return len(tree_leaves(self.query_y)[0])

    @property
    def support(self) -> tuple[Tensor, Tensor]:
        return self.support_x, self.support_y

    @property
    def query(self) -> tuple[Tensor, Tensor]:
        return self.query_x, self.query_y

    @property
    def samples(self) -> tuple[Tensor, Tensor]:
        """x and y of one task's support and query set together."""
        return tree_map(lambda *two: torch.cat(two), self.support, self.query)

    def task(self, index: int) -> TaskBatch:
        """One task, as `vmap` hands it over: without the first axis."""
        return tree_map(lambda part: part[index], self)


_new = TaskBatch.__new__


def _new_with_own_info(cls, support_x, support_y, query_x, query_y, info=None) -> TaskBatch:
    """A named tuple's defaults are shared by all instances, but each batch needs a dict of its own:
    pytrees take only plain dicts, which anyone can change."""
    return _new(cls, support_x, support_y, query_x, query_y, {} if info is None else info)


TaskBatch.__new__ = _new_with_own_info


class TaskSource(Protocol):
    """Anything that draws tasks."""

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int,
        queries: int,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch: ...
