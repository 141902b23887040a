"""What every learner can do: adapt to a support set, predict, and say what it is trained for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

from maml_edu.foundation.checks import InputError, at_least, choice, integer, positive, rates
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.types import Device, LossFn, Rates, Samples, Theta
from maml_edu.inner import adapt
from maml_edu.models import PROTOCOLS, Model, head_names, predict
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
        "transductive",
        choice(PROTOCOLS),
        "whose statistics batch-norm uses for queries",
        kw_only=True,
    )

    name: ClassVar[str] = ""
    needs_classes: ClassVar[bool] = False  # it learns classification only
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

    def parameters(self, theta: Theta) -> Theta:
        """The model's parameters, without what else theta holds. A model that is a plain function
        does not name them; then they are all of theta."""
        if not isinstance(self.model, Model):
            return theta
        names = self.model.shapes()
        return {name: p for name, p in theta.items() if name in names}

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
        first_order: treat each inner gradient as a constant. Default: False.
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
        """The learner as it trains from this fraction of the training on, 0 to 1. Most learners
        never change."""
        return self

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """What the outer loop minimises over theta, for one task: a scalar."""
        raise NotImplementedError

    def param_groups(self, theta: Theta) -> dict[str, list[str]]:
        """Which step size of `Training` moves which tensors of theta: its field -> their names.
        In most learners "meta_lr" moves all of them."""
        return {"meta_lr": list(theta)}


@dataclass(frozen=True)
class GradientLearner(Learner):
    """A learner that adapts by gradient steps on the support loss.

    inner_lr: the step size of adapting, in any of the forms that `maml_edu.inner.adapt` takes.
        Default: 0.01. inner_steps: how many steps it trains with. Default: 1.
    head_lr: a step size of the head's own (default: inner_lr).
    """

    inner_lr: Rates = option(0.01, rates, "step size of adapting")
    inner_steps: int = option(1, integer(0, 1000), "gradient steps of adapting")
    head_lr: float | None = option(None, positive, "step size of the head (default: inner_lr)")
    checkpointing: ClassVar[bool] = False  # see MAML: others keep no graph of the inner steps

    def __post_init__(self):
        super().__post_init__()
        if self.head_lr is not None and isinstance(self.inner_lr, Mapping | Sequence):
            raise InputError("head_lr is given and inner_lr has several rates; give only one")

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
        start = self.start(parameters, support)
        return adapt(
            self.inner_loss(start),
            start,
            *support,
            inner_lr=inner_lr,
            inner_steps=inner_steps,
            first_order=first_order,
            checkpointing=self.checkpointing,
        )

    def params_and_rates(self, theta: Theta, inner_steps: int) -> tuple[Theta, Rates]:
        """theta as the model's parameters, and the rates of so many inner steps."""
        return self.parameters(theta), self.given_rates()

    def start(self, parameters: Theta, support: Samples) -> Theta:
        """Where the inner steps on a support set start: at the parameters, in most learners."""
        return parameters

    def inner_loss(self, start: Theta) -> LossFn:
        """What the inner steps from `start` minimise: the support loss, in most learners."""
        return self.loss_at

    def given_rates(self) -> Rates:
        """inner_lr, with the head's own rate in it where there is one."""
        if self.head_lr is None:
            return self.inner_lr
        head = head_names(self.model, "head_lr")
        return {n: self.head_lr if n in head else self.inner_lr for n in self.model.shapes()}

    def rates_by_name(self) -> Mapping[str, float | Tensor]:
        """The rate of each parameter that adapts, where it is the same in each step."""
        given = self.given_rates()
        return given if isinstance(given, Mapping) else dict.fromkeys(self.model.shapes(), given)


@dataclass(frozen=True)
class MetricLearner(Learner):
    """A learner without inner gradient: it compares a query's features with what it remembers of
    the support set's. Adapting is a single step, which fills that memory.

    theta holds, beside the model's parameters, the logarithm of a scale of the comparison.

    model: one without a head, such as `conv4(None)`. loss: default: the cross-entropy.
    way: classes in a task, 2 or more; each needs an example in the support set. Default: 5.
    """

    needs_classes: ClassVar[bool] = True
    headless: ClassVar[bool] = True
    body_rests: ClassVar[bool] = True
    needs_every_class: ClassVar[bool] = True
    start_scale: ClassVar[float] = 1.0
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    way: int = 5

    def __post_init__(self):
        super().__post_init__()
        at_least(2, way=self.way)

    def init(self, *, generator: torch.Generator | None = None, device: Device = None) -> Theta:
        theta = super().init(generator=generator, device=device)
        return theta | {"log_scale": torch.tensor(self.start_scale, device=device).log()}

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
        """theta, and theta with what is remembered of one support set."""
        x, y = support
        return [theta, {**theta, **self.remember(self.model(self.parameters(theta), x), y)}]

    def remember(self, features: Tensor, y: Tensor) -> Theta:
        """What adapting adds to theta, given the support set's features, (samples, features)."""
        raise NotImplementedError

    def predict(self, state: Theta, x: Tensor, support_x: Tensor | None = None) -> Tensor:
        """Logits, (queries, way): all alike before adapting."""
        if state.keys() <= self.shapes().keys():
            return x.new_full((len(x), self.way), -math.log(self.way))
        return self.compare(super().predict(self.parameters(state), x, support_x), state)

    def compare(self, features: Tensor, state: Theta) -> Tensor:
        """Logits of queries, (queries, way), given their features and what is remembered."""
        raise NotImplementedError

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        state = self.adapt(theta, task.support)[-1]
        return self.loss(self.predict(state, task.query_x, task.support_x), task.query_y)
