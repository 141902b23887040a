"""Reptile: move theta towards the parameters that plain training on a task ends at."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from maml_edu.foundation.checks import InputError, integer
from maml_edu.foundation.options import option
from maml_edu.foundation.types import Samples, Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class Reptile(GradientLearner, name="reptile"):
    """Train on each task for `inner_steps` steps, and move theta towards where they end:

        theta <- theta + meta_lr * mean over tasks of (adapted - theta).

    Nichol, Achiam & Schulman (2018, arXiv 1803.02999), algorithm 2. It has no query set: it trains
    on support and query together. Give it at least 2 steps: with a single one it is joint training.
    Their inner steps are Adam's; here they are plain gradient steps, as everywhere in this course.

    minibatch: how many samples each inner step of training sees, each step others of them, until
        all have been seen; then all come again, in another order. It is with minibatches that a
        step favours a theta whose gradients on different samples of a task agree (their section
        5.1). Default: every step sees all samples. New tasks are always adapted to by all.
    """

    inner_steps: int = 5
    minibatch: int | None = option(
        None, integer(1, 10**6), "samples of each inner step of training (default: all)"
    )

    def __post_init__(self):
        super().__post_init__()
        if self.minibatch is not None and isinstance(self.inner_lr, Sequence):
            raise InputError("inner_lr is a list by steps; with a minibatch all steps have one")

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """The loss after the inner steps, but with the gradient theta - adapted, which is that of
        half the squared distance to a fixed `adapted` (their section 5.2)."""
        start = {name: p.detach() for name, p in theta.items()}
        adapted = {name: p.detach() for name, p in self._train(start, task.samples).items()}
        pull = sum((theta[name] - p).square().sum() for name, p in adapted.items()) / 2
        return self.loss_at(adapted, *task.samples) + pull - pull.detach()

    def _train(self, theta: Theta, samples: Samples) -> Theta:
        """Where the inner steps of training end."""
        if self.minibatch is None:
            return self.adapt(theta, samples)[-1]
        x, y = samples
        for seen in minibatches(len(y), self.minibatch, self.inner_steps):
            theta = self.adapt(theta, (x[seen], y[seen]), inner_steps=1)[-1]
        return theta


def minibatches(n_samples: int, size: int, steps: int) -> list[list[int]]:
    """Which samples each of so many steps sees: `size` of them, or all where they are fewer.

    None comes again before all have come. The order is mixed, but the same at each call: tasks draw
    their samples at random, so the minibatches of another task are other samples all the same.
    """
    mixed, size = random.Random(0), min(size, n_samples)
    order: list[int] = []
    while len(order) < size * steps:
        order += mixed.sample(range(n_samples), n_samples)
    return [order[step * size : (step + 1) * size] for step in range(steps)]
