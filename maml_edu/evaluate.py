"""How good is a learner? Its mean error over many new tasks, with a 95% confidence interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.inner import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch, TaskSource
from maml_edu.tasks.batch import at_least


@dataclass(frozen=True)
class Estimate:
    """A mean over tasks and its 95% confidence interval, mean ± half_width."""

    mean: float
    half_width: float
    n_tasks: int

    @classmethod
    def of(cls, values: Tensor) -> Estimate:
        """From one value a task, (tasks,): the normal interval, 1.96 standard errors each way."""
        n = len(values)
        error = values.double().std().item() / math.sqrt(n) if n > 1 else math.nan
        return cls(values.double().mean().item(), 1.96 * error, n)

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.half_width:.3f}"


def evaluate(
    learner: Learner,
    theta: Theta,
    tasks: TaskSource,
    *,
    inner_steps: int = 10,
    n_tasks: int = 600,
    shots: int = 5,
    queries: int = 100,
    metric: Callable[[Tensor, Tensor], Tensor] | None = None,
    seed: int = 1000,
    device: torch.device | str | None = None,
    chunk_size: int = 1000,
) -> list[Estimate]:
    """The query error before adapting and after each inner step, over `n_tasks` new tasks.

    metric: (outputs, y) of one task -> a scalar; the learner's own loss unless said otherwise.
    Returns `inner_steps + 1` estimates, from 0 steps on. The same seed gives the same tasks, so
    learners can be compared on them.
    """
    at_least(1, n_tasks=n_tasks, chunk_size=chunk_size)
    batch = tasks.sample(
        n_tasks,
        shots=shots,
        queries=queries,
        generator=torch.Generator().manual_seed(seed),
        device=device,
    )
    values = query_values(
        learner, theta, batch, inner_steps=inner_steps, metric=metric, chunk_size=chunk_size
    )
    return [Estimate.of(column) for column in values.unbind(1)]


@torch.no_grad()
def query_values(
    learner: Learner,
    theta: Theta,
    batch: TaskBatch,
    *,
    inner_steps: int,
    metric: Callable[[Tensor, Tensor], Tensor] | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    """The metric on each task's query set at each inner step: (tasks, inner_steps + 1)."""
    metric = metric or learner.loss

    def one_task(theta: Theta, task: TaskBatch) -> Tensor:
        states = learner.adapt(theta, task.support, inner_steps=inner_steps)
        return torch.stack(
            [metric(learner.predict(state, task.query_x), task.query_y) for state in states]
        )

    return vmap(one_task, in_dims=(None, 0), chunk_size=chunk_size)(theta, batch)
