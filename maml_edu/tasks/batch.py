"""A batch of tasks, and what every source of tasks offers."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class TaskBatch(NamedTuple):
    """Tasks stacked along the first axis: a support set to adapt to, a query set to be judged on.

    As a named tuple it is a pytree, so `vmap` maps over its tasks and hands the mapped function one
    task, without the first axis.

    support_x: (tasks, shots, features)     support_y: (tasks, shots, outputs)
    query_x:   (tasks, queries, features)   query_y:   (tasks, queries, outputs)
    info: what made each task, one value a task, such as its amplitude: name -> (tasks,)
    """

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor
    info: dict[str, Tensor] = {}

    @property
    def support(self) -> tuple[Tensor, Tensor]:
        return self.support_x, self.support_y

    @property
    def query(self) -> tuple[Tensor, Tensor]:
        return self.query_x, self.query_y

    def task(self, index: int) -> TaskBatch:
        """One task, as `vmap` would hand it over: without the first axis."""
        info = {name: value[index] for name, value in self.info.items()}
        return TaskBatch(*(part[index] for part in self[:4]), info)


class TaskSource(Protocol):
    """Anything that tasks can be drawn from."""

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int,
        queries: int,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> TaskBatch: ...
