"""Reptile: move theta towards the parameters that plain training on a task ends at."""

from dataclasses import dataclass

from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class Reptile(GradientLearner, name="reptile"):
    """Train on each task for `inner_steps` steps, and move theta towards where they end:

        theta <- theta + meta_lr * mean over tasks of (adapted - theta).

    Nichol, Achiam & Schulman (2018, arXiv 1803.02999), algorithm 2. It has no query set: it trains
    on support and query together. Give it at least 2 steps: with a single one it is joint training.
    Their inner steps are Adam's on minibatches; here they are plain gradient steps on the
    whole set, as everywhere in this course.
    """

    inner_steps: int = 5

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """The loss after the inner steps, but with the gradient theta - adapted, which is that of
        half the squared distance to a fixed `adapted` (their section 5.2)."""
        start = {name: p.detach() for name, p in theta.items()}
        adapted = {name: p.detach() for name, p in self.adapt(start, task.samples)[-1].items()}
        pull = sum((theta[name] - p).square().sum() for name, p in adapted.items()) / 2
        return self.loss_at(adapted, *task.samples) + pull - pull.detach()
