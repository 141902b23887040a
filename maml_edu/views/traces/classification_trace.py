"""A learner adapting to one N-way task of drawings."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from maml_edu.evaluate import accuracy
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import ClassificationTrace
from maml_edu.views.traces.arrays import as_array, class_names
from maml_edu.views.traces.rates import rate_label


@torch.no_grad()
def classification(
    learner: Learner,
    theta: Theta,
    task: TaskBatch,
    *,
    inner_steps: int = 3,
    names: Sequence[str] | None = None,
    name: str | None = None,
) -> ClassificationTrace:
    """Watch a learner adapt to one N-way task of drawings (a `TaskBatch.task`).

    names: what the labels are called, at least one a class (default: A, B, C, …).
    name: what to call the learner (default: its class name).
    """
    states = learner.adapt(theta, task.support, inner_steps=inner_steps)
    outputs = torch.stack([learner.predict(s, task.query_x, task.support_x) for s in states])
    return ClassificationTrace(
        learner=name or type(learner).__name__,
        rate=rate_label(learner, theta, inner_steps),
        protocol=learner.protocol,
        names=class_names(names, outputs.shape[-1]),
        support_images=as_array(task.support_x.flatten(0, -3)),
        support_labels=task.support_y.cpu().numpy(),
        query_images=as_array(task.query_x.flatten(0, -3)),
        query_labels=task.query_y.cpu().numpy(),
        probabilities=as_array(outputs.softmax(-1)),
        support_loss=as_array(torch.stack([learner.loss_at(s, *task.support) for s in states])),
        query_loss=as_array(torch.stack([learner.loss(out, task.query_y) for out in outputs])),
        accuracy=as_array(torch.stack([accuracy(out, task.query_y) for out in outputs])),
    )
