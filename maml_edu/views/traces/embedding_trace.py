"""Features in a plane, and prototypes by the shots seen."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners import ProtoNet
from maml_edu.models import predict
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import EmbeddingTrace
from maml_edu.views.traces import shared
from maml_edu.views.traces.shared import as_array


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
    most, names = counts[0], shared.class_names(names, way)
    rows = torch.stack(by_class)  # (way, most shots)
    support, prototypes, query, answers = _by_shots(learner, theta, task, rows)
    features = shared.finite_rows(torch.cat([support[-1].flatten(0, 1), query[-1]]))
    mean = features.mean(0).nan_to_num()
    directions = shared.main_directions(features - mean)

    def place(features: Tensor) -> np.ndarray:
        return as_array((features - mean) @ directions.T)

    support_at = np.full((most + 1, way, most, 2), np.nan)
    for shots, part in enumerate(support, 1):
        support_at[shots, :, :shots] = place(part)
    return EmbeddingTrace(
        learner=name or type(learner).__name__,
        protocol=learner.protocol,
        names=names,
        images=as_array(task.support_x[rows[:, 0]].flatten(0, -3)),
        support=support_at,
        prototypes=np.stack([np.full((way, 2), np.nan), *map(place, prototypes)]),
        query=np.stack([place(part) for part in (query[0], *query)]),
        query_labels=task.query_y.cpu().numpy(),
        answers=np.stack([np.full(len(task.query_y), -1), *map(Tensor.cpu, answers)]),
        explained_fraction=shared.explained_fraction(features - mean, directions),
    )


def _by_shots(learner: ProtoNet, theta: Theta, task: TaskBatch, rows: Tensor) -> Iterable:
    """For 1, 2, … of the shots in `rows`, (way, most shots): the features of the support set (way,
    shots, features), its prototypes (way, features), the queries' features (queries, features), and
    the nearest prototype of each query (queries,)."""
    body = {name: theta[name] for name in learner.model.shapes()}
    found, query = [], None
    for shots in range(1, rows.shape[1] + 1):
        x = task.support_x[rows[:, :shots].flatten()]
        support = learner.model(body, x).unflatten(0, (-1, shots))
        if query is None or learner.protocol != "transductive":  # else it is always the same
            query = predict(learner.model, body, task.query_x, x, learner.protocol)
        prototypes = support.mean(1)
        nearness = 2 * query @ prototypes.T - prototypes.square().sum(1)  # as ProtoNet.predict
        found.append((support, prototypes, query, nearness.argmax(-1)))
    return zip(*found, strict=True)
