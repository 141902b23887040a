"""What every learner can do: adapt to a support set, predict, and say what it is trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from maml_edu.foundation.types import Rate, Theta
from maml_edu.inner import adapt
from maml_edu.models import Model, predict
from maml_edu.models.protocol import check_protocol
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class Learner:
    """A model, how it adapts, and (in a subclass) the outer loss that its theta is trained on.

    loss: (outputs, y) -> a scalar; the mean squared error unless said otherwise.
    inner_lr, inner_steps: how it adapts; see `maml_edu.inner.adapt`.
    protocol: whose statistics batch-norm uses for queries; see `maml_edu.models.protocol`.
    checkpointing: keep no graph of the inner steps: less memory, the same gradients.
    """

    model: Model
    loss: Callable[[Tensor, Tensor], Tensor] = mse_loss
    inner_lr: Rate | Sequence[Rate] = 0.01
    inner_steps: int = 1
    protocol: str = "transductive"
    checkpointing: bool = False

    def __post_init__(self):
        check_protocol(self.protocol)

    def init(
        self,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
    ) -> Theta:
        """All that the outer loop trains, fresh: the model's parameters, for most learners."""
        return self.model.init(generator=generator, device=device)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor of a theta."""
        return self.model.shapes()

    def adapt(
        self,
        theta: Theta,
        support: tuple[Tensor, Tensor],
        *,
        inner_steps: int | None = None,
        first_order: bool = False,
    ) -> list[Theta]:
        """The states from theta (before) to adapted (after all steps) on one support set.

        support: x (shots, features) and y (shots, outputs).
        inner_steps: other than the learner's own, as when a model is tested with more steps.
        """
        inner_steps = self.inner_steps if inner_steps is None else inner_steps
        parameters, inner_lr = self.split(theta, inner_steps)
        return adapt(
            self.loss_at,
            parameters,
            *support,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            checkpointing=self.checkpointing,
        )

    def split(self, theta: Theta, inner_steps: int) -> tuple[Theta, Rate | Sequence[Rate]]:
        """theta as the model's parameters and the rates of so many inner steps."""
        return theta, self.inner_lr

    def predict(self, state: Theta, x: Tensor, support_x: Tensor | None = None) -> Tensor:
        """The outputs of one adapted state at queries x: (queries, features) -> (queries, outputs).

        support_x: the task's support set, which all protocols but the transductive look at too.
        """
        return predict(self.model, state, x, support_x, self.protocol)

    def loss_at(
        self, state: Theta, x: Tensor, y: Tensor, support_x: Tensor | None = None
    ) -> Tensor:
        """The loss of one state: a scalar. On the query set, give the support set's x as well;
        without it, x is a batch by itself, as the support set is."""
        outputs = self.model(state, x) if support_x is None else self.predict(state, x, support_x)
        return self.loss(outputs, y)

    def at(self, progress: float) -> Learner:
        """The learner as it trains when this share of the training, 0 to 1, is done: the same
        throughout, for most."""
        return self

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """What the outer loop minimises over theta, for one task: a scalar."""
        raise NotImplementedError
