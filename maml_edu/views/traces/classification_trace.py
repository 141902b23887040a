"""A learner adapting to one N-way task of drawings, and questions for a person from such tasks."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from maml_edu.evaluate import accuracy
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import ClassificationTrace, QuizQuestions
from maml_edu.views.traces.shared import as_array, class_names, rate_label


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


def quiz(
    batch: TaskBatch,
    guesses: Tensor | None = None,
    *,
    model: str = "the model",
    generator: torch.Generator | None = None,
) -> QuizQuestions:
    """One question a task: one query, chosen at random, and the support set to choose from.

    batch: 1-shot tasks of pictures, support_x (tasks, way, 1, height, width).
    guesses: (tasks, queries), the label that a model gave to every query; `model` is its name.
    ValueError for other shapes.
    """
    n_tasks, way = batch.support_y.shape
    if batch.support_x.dim() != 5 or batch.support_x.shape[2] != 1:
        shape = tuple(batch.support_x.shape)
        raise ValueError(f"support_x is {shape}; it must be (tasks, way, 1, height, width)")
    if not torch.equal(batch.support_y.cpu(), torch.arange(way).expand(n_tasks, way)):
        raise ValueError("support_y does not have each label once, in order: sample with shots=1")
    if guesses is not None and guesses.shape != batch.query_y.shape:
        seen, wanted = tuple(guesses.shape), tuple(batch.query_y.shape)
        raise ValueError(f"guesses is {seen}; it must be {wanted}")
    asked = torch.randint(batch.query_y.shape[1], (n_tasks,), generator=generator)

    def of_asked(values: Tensor) -> np.ndarray:
        return values.detach().cpu()[torch.arange(n_tasks), asked].numpy()

    return QuizQuestions(
        query=of_asked(batch.query_x)[:, 0],
        support=batch.support_x[:, :, 0].detach().cpu().numpy(),
        answer=of_asked(batch.query_y),
        guesses=None if guesses is None else of_asked(guesses),
        model=model,
    )
