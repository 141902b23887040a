"""Learners that adapt to a reader's own drawings."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks.data.archive import shrink
from maml_edu.views.drawing import Drawing, DrawingSet
from maml_edu.views.drawing.drawing_set import NAMES
from maml_edu.views.drawing.strokes import place, rasterise
from maml_edu.views.scenes import DrawingsTrace
from maml_edu.views.traces.shared import as_array


@lru_cache(maxsize=256)  # when one drawing of a set changes, the others need not be drawn anew
def image_of(drawing: Drawing) -> np.ndarray:
    """The drawing as the package's data has it: (28, 28) uint8, 255 for ink.

    Strokes are placed and inked on Omniglot's page (see `views.drawing.strokes`). The function that
    decodes Omniglot, `tasks.data.archive.shrink`, brings the page to 28 pixels a side.
    """
    if drawing.kind == "grey":
        return drawing.pixels
    ink = rasterise(place(drawing.content)) if drawing.kind == "strokes" else drawing.pixels
    return shrink(ink)


def as_tensor(drawings: Iterable[Drawing]) -> Tensor:
    """Drawings as networks take them: float32 (drawings, 1, 28, 28), 1 for ink."""
    return torch.from_numpy(np.stack([image_of(one) for one in drawings])).float()[:, None] / 255


def support_of(drawings: DrawingSet) -> tuple[Tensor, Tensor]:
    """The support set, x (drawings, 1, 28, 28) and y (drawings,), without empty places."""
    pairs = [(one, label) for label, some in enumerate(drawings.support) for one in some if one]
    return as_tensor(one for one, _ in pairs), torch.tensor([label for _, label in pairs])


@torch.no_grad()
def drawings(
    learners: Mapping[str, tuple[Learner, Theta]], drawn: DrawingSet, *, inner_steps: int = 3
) -> DrawingsTrace:
    """Watch learners, name -> (learner, theta), adapt to the support set and answer the query.

    Each learner's model has as many ways as the set (see `learners.heads`), and its protocol is
    "support-only": a query that comes alone makes no batch of its own. ValueError for another
    protocol, or where something is still to be drawn.
    """
    if drawn.missing:
        raise ValueError(f"still to be drawn: {drawn.missing}")
    for name, (learner, _) in learners.items():
        if learner.protocol != "support-only":
            seen = f"protocol of {name} is {learner.protocol!r}"
            raise ValueError(f"{seen}; it must be 'support-only'")
    x, y = support_of(drawn)
    both = torch.cat([x, as_tensor([drawn.query])])
    chances, losses = [], []
    for learner, theta in learners.values():
        states = learner.adapt(theta, (x, y), inner_steps=inner_steps)
        # The support set is normalised by its own statistics here as it is while adapting.
        outputs = torch.stack([learner.predict(state, both, x) for state in states])
        chances.append(outputs[:, -1].softmax(-1))
        losses.append(torch.stack([learner.loss(of_step[:-1], y) for of_step in outputs]))
    return DrawingsTrace(
        learners=tuple(learners),
        names=tuple(NAMES[: drawn.way]),
        support_images=x[:, 0].numpy(),
        support_labels=y.numpy(),
        query_image=both[-1, 0].numpy(),
        probabilities=as_array(torch.stack(chances)),
        support_loss=as_array(torch.stack(losses)),
    )
