"""Prototypical networks: no inner gradient, a class is the mean of its support set's features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Device, Samples, Theta
from maml_edu.learners.base import Learner
from maml_edu.tasks import TaskBatch

PROTOTYPES = "prototypes"  # what adapting adds to theta: (way, features)


@dataclass(frozen=True)
class ProtoNet(Learner, name="protonet"):
    """Learn features in which a query is nearest to the prototype of its own class:

        p(y = c | x)  is proportional to  exp( -scale * |f(x) - mean of f over class c|^2 ).

    Snell, Swersky & Zemel (2017, arXiv 1703.05175), equations 1 and 2; `scale` is learned as well
    (as its logarithm), because features that batch-norm keeps in place cannot grow to sharpen it.

    model: one without a head, such as `conv4(None)`. way: classes in a task, each of which needs an
    example in the support set. Adapting takes one step, which computes the prototypes.
    """

    families: ClassVar[tuple[str, ...]] = ("omniglot",)
    headless: ClassVar[bool] = True
    body_rests: ClassVar[bool] = True
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    way: int = 5

    needs_every_class: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        at_least(2, way=self.way)

    def init(self, *, generator: Generator | None = None, device: Device = None) -> Theta:
        theta = super().init(generator=generator, device=device)
        return theta | {"log_scale": torch.zeros((), device=device)}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return super().shapes() | {"log_scale": ()}

    def adapt(
        self,
        theta: Theta,
        support: Samples,
        *,
        inner_steps: int | None = None,
        first_order: bool = False,
    ) -> list[Theta]:
        """theta, and theta with the prototypes of one support set."""
        x, y = support
        # (samples, way); `one_hot` looks at the values of labels, which cannot be captured
        of_class = (y[:, None] == torch.arange(self.way, device=y.device)).to(x.dtype)
        features = self.model(self._body(theta), x)
        prototypes = (of_class.T @ features) / of_class.sum(0)[:, None]
        return [theta, {**theta, PROTOTYPES: prototypes}]

    def predict(self, state: Theta, x: Tensor, support_x: Tensor | None = None) -> Tensor:
        """Logits, (queries, way): minus the scaled squared distances; all alike before adapting."""
        if PROTOTYPES not in state:
            return x.new_zeros(len(x), self.way)
        features = super().predict(self._body(state), x, support_x)
        prototypes = state[PROTOTYPES]
        # |f - p|^2 without |f|^2, which is the same for all classes
        nearness = 2 * features @ prototypes.T - prototypes.square().sum(1)
        return state["log_scale"].exp() * nearness

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        state = self.adapt(theta, task.support)[-1]
        return self.loss(self.predict(state, task.query_x, task.support_x), task.query_y)

    def _body(self, state: Theta) -> Theta:
        return {name: state[name] for name in super().shapes()}
