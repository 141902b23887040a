"""Joint training, the baseline to measure meta-learning against: pre-train, then fine-tune."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class Joint(GradientLearner, name="joint"):
    """Train one network on the samples of all tasks at once: minimise, over theta,

        mean over tasks of  L(theta),

    with no adapted parameters in it (Finn et al. 2017, section 5.1, "pretrained"). Adapting it is
    then plain fine-tuning. Given a task's own description as input, it is the paper's oracle.
    """

    body_rests: ClassVar[bool] = True

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        x = torch.cat([task.support_x, task.query_x])
        y = torch.cat([task.support_y, task.query_y])
        return self.loss_at(theta, x, y)
