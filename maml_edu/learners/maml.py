"""Model-agnostic meta-learning."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from maml_edu.inner import Theta
from maml_edu.learners.base import Learner
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class MAML(Learner):
    """Find the theta from which a few gradient steps go furthest: minimise, over theta,

        mean over tasks of  L_query( theta - inner_lr * grad L_support(theta) ).

    Finn, Abbeel & Levine (2017, arXiv 1703.03400), algorithm 2. The loss is taken after adapting,
    so its gradient passes through the inner steps; `first_order=True` leaves that passage out
    (their section 5.2, "first-order approximation").
    """

    first_order: bool = False

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        adapted = self.adapt(theta, task.support, first_order=self.first_order)[-1]
        return self.loss_at(adapted, *task.query)
