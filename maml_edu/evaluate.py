"""How good is a learner? Its mean error over many new tasks, with a 95% confidence interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Device, Theta
from maml_edu.foundation.vmapped import over
from maml_edu.learners import Learner
from maml_edu.learners.checks import PADDING, check_batch, one_by_one
from maml_edu.tasks import TaskBatch, TaskSource

Metric = Callable[[Tensor, Tensor], Tensor]  # (outputs, y) of one task -> a scalar


@dataclass(frozen=True)
class Estimate:
    """A mean over tasks and its 95% confidence interval, mean ± half_width."""

    mean: float
    half_width: float
    n_tasks: int

    @classmethod
    def of(cls, values: Tensor) -> Estimate:
        """From one value a task, (tasks,): the normal interval, 1.96 standard errors each way."""
        values, n = values.detach().cpu().double(), len(values)  # not every device has float64
        error = values.std().item() / math.sqrt(n) if n > 1 else math.nan
        return cls(values.mean().item(), 1.96 * error, n)

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.half_width:.3f}"


@dataclass(frozen=True)
class Evaluation:
    """On which tasks a learner is measured, and how. The same seed gives the same tasks.

    n_tasks: how many new tasks. shots, queries: samples of each (of each class, in classification).
    inner_steps: how many gradient steps to follow.
    metric: such as `accuracy` (default: the learner's own loss).
    chunk_size: tasks adapted side by side. batch_size: tasks drawn at a time (default: all). Draw
        fewer where all do not fit into memory; this changes which tasks are drawn.
    """

    n_tasks: int = 600
    shots: int = 5
    queries: int = 100
    inner_steps: int = 10
    metric: Metric | None = None
    seed: int = 1000
    chunk_size: int = 1000
    batch_size: int | None = None

    def __post_init__(self):
        at_least(1, n_tasks=self.n_tasks, shots=self.shots, queries=self.queries)
        at_least(1, chunk_size=self.chunk_size)
        if self.batch_size is not None:
            at_least(1, batch_size=self.batch_size)
        at_least(0, inner_steps=self.inner_steps, seed=self.seed)


def evaluate(
    learner: Learner,
    theta: Theta,
    tasks: TaskSource,
    how: Evaluation = Evaluation(),
    *,
    device: Device = None,
    progress: bool = False,
) -> list[Estimate]:
    """The query error before adapting and after each inner step: `inner_steps + 1` estimates.

    how: on which tasks, and by which metric. progress: whether to show a progress bar.
    """
    generator = torch.Generator().manual_seed(how.seed)
    batch_size = how.batch_size or how.n_tasks
    sizes = {"shots": how.shots, "queries": how.queries}
    measured = {name: getattr(how, name) for name in ("inner_steps", "metric", "chunk_size")}
    values = []
    with tqdm(total=how.n_tasks, unit="task", disable=not progress, leave=False) as bar:
        for begin in range(0, how.n_tasks, batch_size):
            n_tasks = min(batch_size, how.n_tasks - begin)
            batch = tasks.sample(n_tasks, **sizes, generator=generator, device=device)
            values.append(query_values(learner, theta, batch, **measured))
            bar.update(batch.n_tasks)
    return [Estimate.of(column) for column in torch.cat(values).unbind(1)]


def accuracy(outputs: Tensor, y: Tensor) -> Tensor:
    """The share of samples whose highest logit, (samples, way), is at their label (samples,).

    Samples with the label -100 are padding and do not count, as in PyTorch's cross-entropy.
    """
    counted = y != PADDING
    return ((outputs.argmax(-1) == y) & counted).sum() / counted.sum()


@torch.no_grad()
def query_values(
    learner: Learner,
    theta: Theta,
    batch: TaskBatch,
    *,
    inner_steps: int,
    metric: Metric | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    """The metric on each task's query set, before adapting and after each inner step:
    (tasks, inner_steps + 1). metric, chunk_size: as in Evaluation; default of the latter: all."""
    check_batch(learner, batch)
    metric = metric or learner.loss

    def one_task(task: TaskBatch) -> Tensor:
        states = learner.adapt(theta, task.support, inner_steps=inner_steps)
        outputs = [learner.predict(state, task.query_x, task.support_x) for state in states]
        return torch.stack([metric(each, task.query_y) for each in outputs])

    return over(one_task, batch, chunk_size=chunk_size, loop=one_by_one(learner))
