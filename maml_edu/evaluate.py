"""How good is a learner? Its mean error over many new tasks, with a 95% confidence interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch, TaskSource


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
    lot: int | None = None,
) -> list[Estimate]:
    """The query error before adapting and after each inner step, over `n_tasks` new tasks.

    metric: (outputs, y) of one task -> a scalar, such as `accuracy`; the learner's own loss unless
        said otherwise.
    chunk_size: tasks adapted side by side. lot: tasks drawn at a time, all unless said otherwise;
        fewer where the queries of all do not fit into memory. It has a part in which are drawn.
    Returns `inner_steps + 1` estimates, from 0 steps on. The same seed gives the same tasks, so
    learners can be compared on them.
    """
    lot = n_tasks if lot is None else lot
    at_least(1, n_tasks=n_tasks, chunk_size=chunk_size, lot=lot)
    generator = torch.Generator().manual_seed(seed)
    how = {"inner_steps": inner_steps, "metric": metric, "chunk_size": chunk_size}
    values = []
    for begin in range(0, n_tasks, lot):
        batch = tasks.sample(
            min(lot, n_tasks - begin),
            shots=shots,
            queries=queries,
            generator=generator,
            device=device,
        )
        values.append(query_values(learner, theta, batch, **how))
    return [Estimate.of(column) for column in torch.cat(values).unbind(1)]


def accuracy(outputs: Tensor, y: Tensor) -> Tensor:
    """The share of samples whose highest logit, (samples, way), is at their label (samples,)."""
    return (outputs.argmax(-1) == y).float().mean()


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
            [
                metric(learner.predict(state, task.query_x, task.support_x), task.query_y)
                for state in states
            ]
        )

    return vmap(one_task, in_dims=(None, 0), chunk_size=chunk_size)(theta, batch)
