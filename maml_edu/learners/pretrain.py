"""Pre-train, then fine-tune: one ordinary classifier of all background characters."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from maml_edu.foundation.types import Device, Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.models import linear_head
from maml_edu.tasks import TaskBatch

TURNS = 4  # a character turned by a quarter is another class


@dataclass(frozen=True)
class Pretrain(GradientLearner, name="pretrain"):
    """Train body and a head for ALL background classes to say which character a drawing is,

        minimise over theta   mean over drawings of  L(theta; drawing, its character);

    for a new task give the body a fresh head, of zeros, and fine-tune both by gradient steps. There
    are no tasks and no adapted parameters in that objective (Chen et al. 2019, arXiv 1904.04232,
    call it the baseline). Training may then go on from its body with another learner: `--start`.

    model: one with a linear head for the ways of a task. characters: how many there are, each in
    four rotations (default: 1623); each task's `info` must say which it has, as that of
    `OmniglotTasks` does.
    """

    needs_classes: ClassVar[bool] = True
    body_rests: ClassVar[bool] = True
    characters: int = 1623

    def init(self, *, generator: Generator | None = None, device: Device = None) -> Theta:
        """The model's parameters; its head, and the head of all classes, are zeros."""
        theta = super().init(generator=generator, device=device)
        shapes = self.shapes()
        heads = (*linear_head(self.model, "Pretrain"), "classes.weight", "classes.bias")
        return theta | {name: torch.zeros(shapes[name], device=device) for name in heads}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes()
        weight, _ = linear_head(self.model, "Pretrain")
        n, features = TURNS * self.characters, shapes[weight][1]
        return shapes | {"classes.weight": (n, features), "classes.bias": (n,)}

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        x, label = task.samples
        character = (TURNS * task.info["character"] + task.info["rotation"])[label]
        weight, bias = linear_head(self.model, "Pretrain")
        head = {weight: theta["classes.weight"], bias: theta["classes.bias"]}
        return self.loss(self.model({**self.parameters(theta), **head}, x), character)
