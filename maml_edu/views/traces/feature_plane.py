"""Features in a plane, and prototypes by the shots seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners import ProtoNet
from maml_edu.models import predict
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes.records import Embedding
from maml_edu.views.traces.regression import label_name

__all__ = ["Embedding", "embedding"]


@torch.no_grad()
def embedding(
    learner: ProtoNet,
    theta: Theta,
    task: TaskBatch,
    *,
    names: Sequence[str] | None = None,
    name: str | None = None,
) -> Embedding:
    """Watch the prototypes of one N-way task (a `TaskBatch.task`) settle, shot by shot.

    Frame k adapts anew to the first k drawings of each class, so the network sees them as a batch
    of their own. A ValueError where classes have different numbers of support drawings, or none.
    names: what the labels are called, A, B, C, … unless said otherwise; one a class.
    name: what to call the learner; its class name unless said otherwise.
    """
    way = learner.way
    by_class = [(task.support_y == label).nonzero()[:, 0] for label in range(way)]
    counts = [len(rows) for rows in by_class]
    if min(counts) != max(counts) or not counts[0]:
        raise ValueError(f"support has {counts} drawings by class; it must be as many of each")
    names = [label_name(label) for label in range(way)] if names is None else names
    if len(names) != way:
        raise ValueError(f"names has {len(names)} entries; the learner tells {way} classes apart")
    rows = torch.stack(by_class)  # (way, most shots)
    frames, query = [], None
    for shots in range(1, counts[0] + 1):
        frames.append(_frame(learner, theta, task, rows[:, :shots], query))
        query = frames[-1][2]
    support, prototypes, query, answers = frames[-1]
    mean, directions, share = _plane(torch.cat([support.flatten(0, 1), query]))

    def seen(features: Tensor) -> np.ndarray:
        return _numpy((features - mean) @ directions.T)

    shape = (counts[0] + 1, way, counts[0], 2)
    at = np.full(shape, np.nan)
    for shots, (support, *_) in enumerate(frames, 1):
        at[shots, :, :shots] = seen(support)
    unknown = np.full((way, 2), np.nan), np.full(len(answers), -1)
    return Embedding(
        learner=name or type(learner).__name__,
        protocol=learner.protocol,
        names=tuple(names),
        images=_numpy(task.support_x[rows[:, 0]].flatten(0, -3)),
        support=at,
        prototypes=np.stack([unknown[0], *(seen(prototypes) for _, prototypes, *_ in frames)]),
        query=np.stack([seen(query) for *_, query, _ in (frames[0], *frames)]),
        query_labels=task.query_y.cpu().numpy(),
        answers=np.stack([unknown[1], *(answers.cpu().numpy() for *_, answers in frames)]),
        share=share,
    )


def _frame(
    learner: ProtoNet, theta: Theta, task: TaskBatch, rows: Tensor, query: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What there is with the drawings of these rows, (way, shots), as support set: its features
    (way, shots, features), prototypes, the queries' features (unless these are known, and do not
    depend on the support set), and the nearest prototype of each."""
    x = task.support_x[rows.flatten()]
    body = {name: theta[name] for name in learner.model.shapes()}
    support = learner.model(body, x).unflatten(0, rows.shape)
    if query is None or learner.protocol != "transductive":
        query = predict(learner.model, body, task.query_x, x, learner.protocol)
    prototypes = support.mean(1)
    nearness = 2 * query @ prototypes.T - prototypes.square().sum(1)  # as ProtoNet.predict
    return support, prototypes, query, nearness.argmax(-1)


def _plane(features: Tensor) -> tuple[Tensor, Tensor, float]:
    """The main plane of rows of features: a point in it, its two directions, and the share of the
    rows' variance that it holds."""
    mean = features.mean(0)
    _, lengths, directions = torch.linalg.svd(features - mean, full_matrices=False)
    total = lengths.square().sum().item()
    share = lengths[:2].square().sum().item() / total if total > 0 else 1.0
    return mean, directions[:2], share


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float64).numpy()
