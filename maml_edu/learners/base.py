"""What every learner can do: adapt to a support set, predict, and say what it is trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from maml_edu.foundation.checks import choice, integer, positive, rates
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.types import Device, Rate, Samples, Theta
from maml_edu.inner import adapt
from maml_edu.learners.heads import head_names
from maml_edu.models import PROTOCOLS, Model, predict
from maml_edu.tasks import TaskBatch

LEARNERS: dict[str, type[Learner]] = {}  # by the names that configs and the command line use


@dataclass(frozen=True)
class Learner:
    """A model, how it adapts, and (in a subclass) the outer loss that its theta is trained on.

    loss: (outputs, y) -> a scalar; default: the mean squared error.
    protocol: whose statistics batch-norm uses for queries; see `maml_edu.models.protocol`.

    A subclass that names itself, `class MAML(GradientLearner, name="maml")`, is in LEARNERS.
    """

    model: Model
    loss: Callable[[Tensor, Tensor], Tensor] = mse_loss
    protocol: str = option(
        "transductive", choice(PROTOCOLS), "whose statistics batch-norm uses for queries"
    )

    name: ClassVar[str] = ""
    families: ClassVar[tuple[str, ...]] = ("sine", "omniglot")  # the tasks it can learn
    headless: ClassVar[bool] = False  # it takes a model without a head, and is told the way
    needs_every_class: ClassVar[bool] = False  # in each support set
    body_rests: ClassVar[bool] = False  # no inner step of training moves more than the head

    def __init_subclass__(cls, *, name: str = "") -> None:
        super().__init_subclass__()
        if name:
            cls.name = name
            LEARNERS[name] = cls

    def __post_init__(self):
        check_options(self)

    def init(self, *, generator: torch.Generator | None = None, device: Device = None) -> Theta:
        """All that the outer loop trains, fresh: the model's parameters, for most learners."""
        return self.model.init(generator=generator, device=device)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor of a theta."""
        return self.model.shapes()

    def adapt(
        self,
        theta: Theta,
        support: Samples,
        *,
        inner_steps: int | None = None,
        first_order: bool = False,
    ) -> list[Theta]:
        """The states from theta (before) to adapted (after all steps) on one support set.

        support: x (shots, features) and y (shots, outputs).
        inner_steps: how many steps; default: as many as the learner trains with.
        """
        raise NotImplementedError

    def predict(self, state: Theta, x: Tensor, support_x: Tensor | None = None) -> Tensor:
        """The outputs of one adapted state at queries x: (queries, features) -> (queries, outputs).

        support_x: the task's support set, which every protocol but the transductive also needs.
        """
        return predict(self.model, state, x, support_x, self.protocol)

    def loss_at(
        self, state: Theta, x: Tensor, y: Tensor, support_x: Tensor | None = None
    ) -> Tensor:
        """The loss of one state: a scalar. On the query set, give the support set's x as well;
        without it, x is a batch by itself, as the support set is."""
        outputs = self.model(state, x) if support_x is None else self.predict(state, x, support_x)
        return self.loss(outputs, y)

    def at_progress(self, progress: float) -> Learner:
        """The learner as it trains once this share of the training, 0 to 1, is done: the same
        throughout, for most."""
        return self

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """What the outer loop minimises over theta, for one task: a scalar."""
        raise NotImplementedError

    def param_groups(self, theta: Theta) -> dict[str, list[str]]:
        """Which tensors of theta the outer loop moves with which step size of `Training`:
        its field ("meta_lr" for all, in most learners) -> names."""
        return {"meta_lr": list(theta)}


@dataclass(frozen=True)
class GradientLearner(Learner):
    """A learner that adapts by gradient steps on the support loss.

    inner_lr: the step size of adapting, in any of the forms that `maml_edu.inner.adapt` takes.
    inner_steps: how many steps it trains with.
    head_lr: a step size of the head's own (default: inner_lr).
    """

    inner_lr: Rate | Sequence[Rate] = option(0.01, rates, "step size of adapting")
    inner_steps: int = option(1, integer(0, 1000), "gradient steps of adapting")
    head_lr: float | None = option(None, positive, "step size of the head (default: inner_lr)")
    checkpointing: ClassVar[bool] = False  # see MAML: others keep no graph of the inner steps

    def adapt(
        self,
        theta: Theta,
        support: Samples,
        *,
        inner_steps: int | None = None,
        first_order: bool = False,
    ) -> list[Theta]:
        inner_steps = self.inner_steps if inner_steps is None else inner_steps
        parameters, inner_lr = self.params_and_rates(theta, inner_steps)
        return adapt(
            self.loss_at,
            parameters,
            *support,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            checkpointing=self.checkpointing,
        )

    def params_and_rates(
        self, theta: Theta, inner_steps: int
    ) -> tuple[Theta, Rate | Sequence[Rate]]:
        """theta as the model's parameters, and the rates of so many inner steps."""
        return theta, self.given_rates()

    def given_rates(self) -> Rate | Sequence[Rate]:
        """inner_lr, with the head's own rate in it where there is one."""
        if self.head_lr is None:
            return self.inner_lr
        head = head_names(self.model, "head_lr")
        names = self.model.shapes()
        return {name: self.head_lr if name in head else self.inner_lr for name in names}
