"""MAML++: MAML that is easier to train."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from maml_edu.foundation.checks import fraction
from maml_edu.foundation.options import option
from maml_edu.foundation.types import Theta
from maml_edu.learners.maml import MAML
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class MAMLPlusPlus(MAML, name="maml++"):
    """MAML with a rate for each parameter tensor and inner step, learned, and an outer loss

        mean over tasks of  sum over inner steps i of  v_i * L_query( theta_i )

    whose weights v begin equal and move to the last step during the training.

    Antoniou, Edwards & Storkey (2019, arXiv 1810.09502), section 4. The first part of the training
    leaves out second derivatives. One of their changes is missing: statistics and shifts of
    batch-norm for each step (batch-norm has no memory here).

    annealing: the fraction of the training, 0 to 1, after which the last step has nearly all the
        weight. last_weight: v of the last step, held fixed. Default: it follows `annealing`.
    first_order_until: the fraction of the training that leaves out second derivatives; with
        first_order=True all of it does.
    """

    inner_steps: int = 5
    learned_rates: bool = field(default=True, init=False)
    per_step_losses: bool = field(default=True, init=False)  # v weighs each step
    annealing: float = option(0.15, fraction, "fraction of the training until the last step counts")
    first_order_until: float = option(0.3, fraction, "fraction of the training in first order")
    last_weight: float | None = option(
        None, fraction, "weight of the last step (default: annealed)"
    )

    levels = 5  # different weights while annealing; each needs the step captured anew

    def at_progress(self, progress: float) -> MAMLPlusPlus:
        """The learner with the weights and the order of this point of the training, 0 to 1."""
        done = 1.0 if progress >= self.annealing else progress / self.annealing
        done = int(done * self.levels) / self.levels
        annealed = 1 - self._others(max(1 - done, 0.03))
        return replace(
            self,
            first_order=self.first_order or progress < self.first_order_until,
            last_weight=annealed if self.last_weight is None else self.last_weight,
        )

    def _others(self, part: float) -> float:
        """The weight of all steps but the last, where each has this part of an equal weight."""
        return part * (self.inner_steps - 1) / self.inner_steps

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        states = self.adapt(theta, task.support, first_order=self.first_order)[1:]
        losses = torch.stack([self.loss_at(s, *task.query, task.support_x) for s in states])
        last = 1 - self._others(0.03) if self.last_weight is None else self.last_weight
        if len(losses) == 1:
            return losses[0]
        return last * losses[-1] + (1 - last) * losses[:-1].mean()
