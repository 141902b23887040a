"""Questions for a person, from sampled tasks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import QuizQuestions


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
