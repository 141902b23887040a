"""Learners that adapt to drawings of a person's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import numpy as np
import torch
import torch._dynamo  # the first gradient would load it, for a second, amid a picture
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks.data.archive import shrink
from maml_edu.views.drawing.drawing_set import NAMES, Drawing, DrawingSet
from maml_edu.views.drawing.strokes import place, rasterise
from maml_edu.views.scenes.records import Drawn

__all__ = ["Drawn", "as_tensor", "drawn", "image_of", "support_of"]


@lru_cache(maxsize=256)  # when one drawing of a set changes, the others need not be drawn anew
def image_of(drawing: Drawing) -> np.ndarray:
    """The drawing as the package's data has it: (28, 28) uint8, 255 for ink.

    Strokes are placed and inked on Omniglot's page (see `views.drawing.strokes`); such a page is brought to
    28 pixels a side by the very function that decodes Omniglot, `tasks.data.archive.shrink`.
    """
    if drawing.kind == "grey":
        return drawing.pixels
    ink = rasterise(place(drawing.content)) if drawing.kind == "strokes" else drawing.pixels
    return shrink(ink)


def as_tensor(drawings: Iterable[Drawing]) -> Tensor:
    """Drawings as networks take them: float32 (drawings, 1, 28, 28), 1 for ink."""
    return torch.from_numpy(np.stack([image_of(one) for one in drawings])).float()[:, None] / 255


def support_of(drawings: DrawingSet) -> tuple[Tensor, Tensor]:
    """What there is of a support set, x (drawings, 1, 28, 28) and y (drawings,); classes may have
    different numbers of drawings, but each needs one. ValueError that says what is missing."""
    if empty := [NAMES[i] for i, of_class in enumerate(drawings.support) if not any(of_class)]:
        raise ValueError(f"nothing is drawn yet for {', '.join(empty)}")
    pairs = [(one, label) for label, some in enumerate(drawings.support) for one in some if one]
    return as_tensor(one for one, _ in pairs), torch.tensor([label for _, label in pairs])


@torch.no_grad()
def drawn(
    learners: Mapping[str, tuple[Learner, Theta]], drawings: DrawingSet, *, inner_steps: int = 3
) -> Drawn:
    """Watch learners, name -> (learner, theta), adapt to the support set and answer the query.

    Each learner's model has as many ways as the set (see `maml_edu.learners.heads`), and its
    protocol is "support-only": a query that comes alone makes no batch of its own.
    Raises a ValueError, also where something is still to be drawn.
    """
    if drawings.missing:
        raise ValueError(f"still to be drawn: {drawings.missing}")
    for name, (learner, _) in learners.items():
        if learner.protocol != "support-only":
            raise ValueError(
                f"{name} has the protocol {learner.protocol!r}; a lone query needs 'support-only'"
            )
    x, y = support_of(drawings)
    both = torch.cat([x, as_tensor([drawings.query])])
    chances, losses = [], []
    for learner, theta in learners.values():
        states = learner.adapt(theta, (x, y), inner_steps=inner_steps)
        # The support set is normalised by its own statistics here as it is while adapting.
        outputs = torch.stack([learner.predict(state, both, x) for state in states])
        chances.append(outputs[:, -1].softmax(-1))
        losses.append(torch.stack([learner.loss(of_step[:-1], y) for of_step in outputs]))
    return Drawn(
        learners=tuple(learners),
        names=tuple(NAMES[: drawings.way]),
        support_images=x[:, 0].numpy(),
        support_labels=y.numpy(),
        query_image=both[-1, 0].numpy(),
        probabilities=torch.stack(chances).double().numpy(),
        support_loss=torch.stack(losses).double().numpy(),
    )
