"""Model-agnostic meta-learning."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from maml_edu.foundation.checks import InputError, flag
from maml_edu.foundation.options import option
from maml_edu.foundation.types import Device, Rates, Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.tasks import TaskBatch

RATES = "log_inner_lr."  # the names of learned rates: this, and their parameter's name


@dataclass(frozen=True)
class MAML(GradientLearner, name="maml"):
    """Find the theta from which a few gradient steps go furthest: minimise, over theta,

        mean over tasks of  L_query( theta - inner_lr * grad L_support(theta) ).

    Finn, Abbeel & Levine (2017, arXiv 1703.03400), algorithm 2. The loss is taken after adapting,
    so its gradient passes through the inner steps; `first_order=True` leaves that passage out
    (their section 5.2, "first-order approximation").

    Two changes from MAML++ (Antoniou, Edwards & Storkey 2019, arXiv 1810.09502, section 4):
    learned_rates: theta also holds a rate for each parameter tensor and inner step, which starts
        at inner_lr (one number, or one a parameter) and is meta-learned. It is held as its
        logarithm, so that it stays above 0 and changes in proportion to itself. Further steps
        than those trained use the rates of the last.
    per_step_losses: minimise the mean of the query losses after each step, not the last alone.

    checkpointing: keep no graph of the inner steps: the same gradients in less memory, more time.
    """

    first_order: bool = option(False, flag, "leave out second derivatives")
    learned_rates: bool = option(False, flag, "learn the inner step sizes")
    per_step_losses: bool = option(False, flag, "minimise the loss after every inner step")
    checkpointing: bool = option(False, flag, "less memory for many inner steps, more time")

    def __post_init__(self):
        super().__post_init__()
        if self.learned_rates and self.inner_steps < 1:
            raise InputError(
                f"inner_steps is {self.inner_steps}; with learned_rates it must be 1 or more"
            )
        if self.learned_rates and self.inner_lr == 0:
            raise InputError("inner_lr is 0; learned_rates start above 0, as they are logarithms")
        if self.learned_rates and isinstance(self.inner_lr, Sequence):
            raise InputError("inner_lr is a list by steps; learned_rates start alike in each step")

    def init(self, *, generator: torch.Generator | None = None, device: Device = None) -> Theta:
        theta = super().init(generator=generator, device=device)
        start = self.rates_by_name() if self.learned_rates else {}
        return theta | {
            RATES + name: torch.full((self.inner_steps,), float(rate), device=device).log()
            for name, rate in start.items()
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        adapted = self.rates_by_name() if self.learned_rates else ()
        return super().shapes() | {RATES + name: (self.inner_steps,) for name in adapted}

    def param_groups(self, theta: Theta) -> dict[str, list[str]]:
        """The model's parameters move with meta_lr, learned rates with rates_lr."""
        parameters = list(self.parameters(theta))
        return {"meta_lr": parameters, "rates_lr": [n for n in theta if n not in parameters]}

    def params_and_rates(self, theta: Theta, inner_steps: int) -> tuple[Theta, Rates]:
        if not self.learned_rates:
            return super().params_and_rates(theta, inner_steps)
        learned = {n.removeprefix(RATES): p.exp() for n, p in theta.items() if n.startswith(RATES)}
        last = self.inner_steps - 1
        return self.parameters(theta), [
            {name: rates[min(step, last)] for name, rates in learned.items()}
            for step in range(inner_steps)
        ]

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        states = self.adapt(theta, task.support, first_order=self.first_order)
        if not self.per_step_losses:
            return self.loss_at(states[-1], *task.query, task.support_x)
        losses = [self.loss_at(state, *task.query, task.support_x) for state in states[1:]]
        return torch.stack(losses).mean()
