"""Almost no inner loop: only the head adapts, and all tasks share the features below it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Rate, Rates
from maml_edu.learners.maml import MAML
from maml_edu.models import head_names


@dataclass(frozen=True)
class ANIL(MAML, name="anil"):
    """MAML whose inner steps move the last layer alone: with theta = (body, head), minimise

        mean over tasks of  L_query( body, head - inner_lr * grad_head L_support(body, head) ).

    Raghu, Raghu, Bengio & Vinyals (2020, arXiv 1909.09157), section 4. The outer loop still trains
    the body, through the adapted head.

    model: one with a head (see `maml_edu.models.Model`).
    inner_lr: one number, or one for each of the head's parameters, or a list of these by step.
    """

    body_rests: ClassVar[bool] = True
    head_lr: None = field(default=None, init=False)  # inner_lr is the head's

    def __post_init__(self):
        super().__post_init__()
        self.given_rates()

    def given_rates(self) -> Rates:
        """inner_lr, for the head's parameters alone."""
        head = head_names(self.model, "ANIL")
        if isinstance(self.inner_lr, Sequence):
            return [self._of_head(rate, head) for rate in self.inner_lr]
        return self._of_head(self.inner_lr, head)

    def _of_head(self, rate: Rate, head: list[str]) -> Mapping[str, float | Tensor]:
        if not isinstance(rate, Mapping):
            return dict.fromkeys(head, rate)
        if set(rate) != set(head):
            raise InputError(f"inner_lr is for {', '.join(rate)}; ANIL adapts {', '.join(head)}")
        return rate
