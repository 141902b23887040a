"""Features in a plane, and prototypes by the shots seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners import ProtoNet
from maml_edu.models import predict
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import EmbeddingTrace
from maml_edu.views.traces.arrays import (
    as_array,
    class_names,
    explained_fraction,
    finite_rows,
    main_directions,
)


class Frame(NamedTuple):
    """What there is to see after some shots."""

    support: Tensor  # (way, shots, features)
    prototypes: Tensor  # (way, features)
    query: Tensor  # (queries, features)
    answers: Tensor  # (queries,) the class of the nearest prototype


@torch.no_grad()
def embedding(
    learner: ProtoNet,
    theta: Theta,
    task: TaskBatch,
    *,
    names: Sequence[str] | None = None,
    name: str | None = None,
) -> EmbeddingTrace:
    """Watch the prototypes of one N-way task (a `TaskBatch.task`) settle, shot by shot.

    Frame k adapts anew to the first k drawings of each class, so the network sees them as a batch
    of their own. A ValueError where classes have different numbers of support drawings, or none.
    names: what the labels are called, at least one a class (default: A, B, C, …).
    name: what to call the learner (default: its class name).
    """
    way = learner.way
    by_class = [(task.support_y == label).nonzero()[:, 0] for label in range(way)]
    counts = [len(rows) for rows in by_class]
    if min(counts) != max(counts) or not counts[0]:
        raise ValueError(f"support has {counts} drawings by class; it must be as many of each")
    most, names = counts[0], class_names(names, way)
    rows = torch.stack(by_class)  # (way, most shots)
    frames: list[Frame] = []
    for shots in range(1, most + 1):
        frames.append(_frame(learner, theta, task, rows[:, :shots], frames))
    features = finite_rows(torch.cat([frames[-1].support.flatten(0, 1), frames[-1].query]))
    mean = features.mean(0).nan_to_num()
    directions = main_directions(features - mean)

    def place(features: Tensor) -> np.ndarray:
        return as_array((features - mean) @ directions.T)

    support = np.full((most + 1, way, most, 2), np.nan)
    for shots, frame in enumerate(frames, 1):
        support[shots, :, :shots] = place(frame.support)
    return EmbeddingTrace(
        learner=name or type(learner).__name__,
        protocol=learner.protocol,
        names=names,
        images=as_array(task.support_x[rows[:, 0]].flatten(0, -3)),
        support=support,
        prototypes=np.stack([np.full((way, 2), np.nan), *(place(f.prototypes) for f in frames)]),
        query=np.stack([place(f.query) for f in (frames[0], *frames)]),
        query_labels=task.query_y.cpu().numpy(),
        answers=np.stack([np.full(len(task.query_y), -1), *(f.answers.cpu() for f in frames)]),
        explained_fraction=explained_fraction(features - mean, directions),
    )


def _frame(
    learner: ProtoNet, theta: Theta, task: TaskBatch, rows: Tensor, before: list[Frame]
) -> Frame:
    """The frame with the drawings of `rows`, (way, shots), as support set. Under "transductive"
    the queries' features do not depend on it, so they are those of the frame before."""
    x = task.support_x[rows.flatten()]
    body = {name: theta[name] for name in learner.model.shapes()}
    support = learner.model(body, x).unflatten(0, rows.shape)
    if before and learner.protocol == "transductive":
        query = before[-1].query
    else:
        query = predict(learner.model, body, task.query_x, x, learner.protocol)
    prototypes = support.mean(1)
    nearness = 2 * query @ prototypes.T - prototypes.square().sum(1)  # as ProtoNet.predict
    return Frame(support, prototypes, query, nearness.argmax(-1))
