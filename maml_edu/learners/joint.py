"""Joint training, the baseline of meta-learning: pre-train on all tasks, then fine-tune."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class Joint(GradientLearner, name="joint"):
    """Train one network on the samples of all tasks at once: minimise, over theta,

        mean over tasks of  L(theta),

    without adapted parameters (Finn et al. 2017, section 5.1, "pretrained"). Adapting it is plain
    fine-tuning. With the task's description as an input, it is the paper's oracle.
    """

    body_rests: ClassVar[bool] = True

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        return self.loss_at(theta, *task.samples)
