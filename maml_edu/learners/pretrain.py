"""Pre-train, then fine-tune: one ordinary classifier of all background characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from maml_edu.foundation.types import Device, Rate, Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.learners.heads import linear_head
from maml_edu.tasks import TaskBatch

TURNS = 4  # a character turned by a quarter is another class
CLASSES = ("classes.weight", "classes.bias")  # the head of all background classes, in theta


@dataclass(frozen=True)
class Pretrain(GradientLearner, name="pretrain"):
    """Train body and a head for ALL background classes to say which character a drawing is,

        minimise over theta   mean over drawings of  L(theta; drawing, its character);

    for a new task give the body a fresh head, of zeros, and fine-tune both by gradient steps. There
    are no tasks and no adapted parameters in that objective (Chen et al. 2019, arXiv 1904.04232,
    call it the baseline). Training may then go on from its body with another learner: `--start`.

    model: one with a linear head of the task's ways. characters: how many there are, each in four
    rotations; each task's `info` must say which it has, as that of `OmniglotTasks` does.
    """

    families: ClassVar[tuple[str, ...]] = ("omniglot",)
    body_rests: ClassVar[bool] = True
    characters: int = 1623

    def init(self, *, generator: Generator | None = None, device: Device = None) -> Theta:
        """The model's parameters; its head, and the head of all classes, are zeros."""
        theta = super().init(generator=generator, device=device)
        shapes = self.shapes()
        heads = (*linear_head(self.model, "Pretrain"), *CLASSES)
        return theta | {name: torch.zeros(shapes[name], device=device) for name in heads}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes()
        n = TURNS * self.characters
        weight, _ = linear_head(self.model, "Pretrain")
        return shapes | dict(zip(CLASSES, ((n, shapes[weight][1]), (n,)), strict=True))

    def params_and_rates(
        self, theta: Theta, inner_steps: int
    ) -> tuple[Theta, Rate | Sequence[Rate]]:
        return {name: theta[name] for name in self.model.shapes()}, self.given_rates()

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        x = torch.cat([task.support_x, task.query_x])
        label = torch.cat([task.support_y, task.query_y])
        character = (TURNS * task.info["character"] + task.info["rotation"])[label]
        state, _ = self.params_and_rates(theta, 0)
        head = linear_head(self.model, "Pretrain")
        of_all = {name: theta[trained] for name, trained in zip(head, CLASSES, strict=True)}
        return self.loss(self.model({**state, **of_all}, x), character)
