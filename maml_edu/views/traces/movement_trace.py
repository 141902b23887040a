"""How far the parts of a network move when it adapts to many tasks, and what that buys."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.evaluate import accuracy
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import MovementTrace
from maml_edu.views.traces.shared import as_array, rate_label


@torch.no_grad()
def movement(
    learner: Learner,
    theta: Theta,
    batch: TaskBatch,
    parts: Mapping[str, Sequence[str]],
    *,
    inner_steps: int = 3,
    chunk_size: int | None = None,
    name: str | None = None,
) -> MovementTrace:
    """Watch a learner adapt to a batch of N-way tasks: means over the tasks, at each inner step.

    parts: what to call a part of the network -> the names of its parameters, at most six parts.
        Its distance from theta is given as a fraction of its norm there.
    chunk_size: tasks adapted side by side (default: all).
    name: what to call the learner (default: its class name).
    """

    def length(parameters: Theta, names: Sequence[str]) -> Tensor:
        return torch.cat([parameters[n].flatten() for n in names]).norm()

    def one_task(task: TaskBatch) -> tuple[Tensor, Tensor]:
        states = learner.adapt(theta, task.support, inner_steps=inner_steps)
        far = [{n: p - states[0][n] for n, p in learner.parameters(s).items()} for s in states]
        moved = [[length(f, n) / length(states[0], n) for n in parts.values()] for f in far]
        outputs = [learner.predict(s, task.query_x, task.support_x) for s in states]
        right = torch.stack([accuracy(each, task.query_y) for each in outputs])
        return torch.stack([torch.stack(row) for row in moved]), right

    moved, right = (values.mean(0) for values in vmap(one_task, chunk_size=chunk_size)(batch))
    return MovementTrace(
        learner=name or type(learner).__name__,
        rate=rate_label(learner, theta, inner_steps),
        way=int(batch.query_y.max()) + 1,
        n_tasks=len(batch.query_y),
        moved=dict(zip(parts, as_array(moved.T), strict=True)),
        accuracy=as_array(right),
    )
