"""MAML++: MAML made easier to train."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners.maml import MAML
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class MAMLPlusPlus(MAML, name="maml++"):
    """MAML with a rate for each parameter tensor and inner step, learned, and an outer loss

        mean over tasks of  sum over inner steps i of  v_i * L_query( theta_i )

    whose weights v begin equal and move to the last step while it trains.

    Antoniou, Edwards & Storkey (2019, arXiv 1810.09502), section 4. The first part of the training
    leaves out second derivatives. Of their changes one is left out: statistics and shifts of
    batch-norm for each step (batch-norm has no memory here).

    annealing, first_order_until: shares of the training, 0 to 1, after which the last step has
        nearly all the weight, and from which on second derivatives count.
    """

    inner_steps: int = 5
    first_order: bool = field(default=False, init=False)  # by `first_order_until`
    learned_rates: bool = field(default=True, init=False)
    per_step_losses: bool = field(default=True, init=False)  # weighted, see below
    annealing: float = 0.15
    first_order_until: float = 0.3
    last_weight: float | None = None  # v of the last inner step: what it ends with, if not given

    levels = 5  # as many different weights while annealing; each costs `replay` a new recording

    def at_progress(self, progress: float) -> MAMLPlusPlus:
        """The weights and the order of this share of the training."""
        done = 1.0 if progress >= self.annealing else progress / self.annealing
        done = int(done * self.levels) / self.levels
        return replace(
            self,
            first_order=progress < self.first_order_until,
            last_weight=1 - self._others(max(1 - done, 0.03)),
        )

    def _others(self, share: float) -> float:
        """The weight of all steps but the last, where each has this share of its equal part."""
        return share * (self.inner_steps - 1) / self.inner_steps

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        states = self.adapt(theta, task.support, first_order=self.first_order)[1:]
        losses = torch.stack([self.loss_at(s, *task.query, task.support_x) for s in states])
        last = 1 - self._others(0.03) if self.last_weight is None else self.last_weight
        if len(losses) == 1:
            return losses[0]
        return last * losses[-1] + (1 - last) * losses[:-1].mean()
