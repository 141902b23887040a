"""A trained classifier for another number of classes than it was trained for."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from maml_edu.foundation.types import Theta
from maml_edu.learners.base import Learner
from maml_edu.models import Model

L = TypeVar("L", bound=Learner)
HEAD = ("head.weight", "head.bias")


def resize_head(learner: L, theta: Theta, model: Model) -> tuple[L, Theta]:
    """The learner with `model`, the same network with a head of another number of rows, and theta
    with a head to fit: every row is the mean of the rows that were trained.

    Labels are dealt anew in each task of the meta-training, so no row has a part of its own, and
    what they have in common is all that there is to learn; where they differ it is by chance.
    With equal rows every class is equally likely before the first inner step. Learned rates are
    one for the whole head, and stay.
    """
    shapes = model.shapes()
    if missing := [name for name in HEAD if name not in shapes or name not in theta]:
        raise ValueError(f"there is no {missing[0]}; model and theta both need a head")
    head = {name: theta[name].mean(0, keepdim=True).expand(shapes[name]).clone() for name in HEAD}
    if any(theta[n].shape != shape for n, shape in shapes.items() if n not in HEAD):
        raise ValueError("model is another network than theta's: they differ below the head")
    return replace(learner, model=model), {**theta, **head}
