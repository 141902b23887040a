"""What every learner can do: adapt to a support set, predict, and say what it is trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import mse_loss

from maml_edu.inner import Rate, Theta, adapt
from maml_edu.models import Model
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class Learner:
    """A model, how it adapts, and (in a subclass) the outer loss that its theta is trained on.

    loss: (outputs, y) -> a scalar; the mean squared error unless said otherwise.
    inner_lr, inner_steps: how it adapts; see `maml_edu.inner.adapt`.
    """

    model: Model
    loss: Callable[[Tensor, Tensor], Tensor] = mse_loss
    inner_lr: Rate | Sequence[Rate] = 0.01
    inner_steps: int = 1

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
        return adapt(
            self.loss_at,
            theta,
            *support,
            inner_lr=self.inner_lr,
            inner_steps=self.inner_steps if inner_steps is None else inner_steps,
            first_order=first_order,
        )

    def predict(self, state: Theta, x: Tensor) -> Tensor:
        """The outputs of one adapted state at x: (samples, features) -> (samples, outputs)."""
        return self.model(state, x)

    def loss_at(self, state: Theta, x: Tensor, y: Tensor) -> Tensor:
        """The loss of one state on one set of samples: a scalar."""
        return self.loss(self.predict(state, x), y)

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """What the outer loop minimises over theta, for one task: a scalar."""
        raise NotImplementedError
