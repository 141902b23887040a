"""Meta-SGD: learn the direction and the length of the inner step, as well as its start."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Device, Rates, Theta
from maml_edu.learners.maml import MAML

ALPHA = "inner_lr."  # the names of the rates for a parameter's entries: this, and its name


@dataclass(frozen=True)
class MetaSGD(MAML, name="meta-sgd"):
    """MAML in which every single weight has an inner rate of its own, alpha, learned with theta:

        minimise over theta and alpha   mean over tasks of
            L_query( theta - alpha * grad L_support(theta) ),    * entry by entry.

    Li, Zhou, Chen & Li (2017, arXiv 1707.09835), equations 3 and 4. Rates may become negative. All
    steps use the same rates, so there is no option `learned_rates`, whose rates differ by step.

    inner_lr: where the rates start, one number or one for each tensor. (Theirs start at random in
        [0.005, 0.1].)
    """

    learned_rates: bool = field(default=False, init=False)  # it learns its own

    def __post_init__(self):
        given = self.given_rates()
        if isinstance(given, Sequence) or set(self.rates_by_name()) != set(self.model.shapes()):
            allowed = "one number to start from, or one for each of the model's tensors"
            raise InputError(f"inner_lr is {given!r}; it must be {allowed}")
        super().__post_init__()

    def init(self, *, generator: Generator | None = None, device: Device = None) -> Theta:
        theta = self.model.init(generator=generator, device=device)
        rates = self.rates_by_name()
        return theta | {ALPHA + n: torch.full_like(p, rates[n]) for n, p in theta.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = self.model.shapes()
        return shapes | {ALPHA + name: shape for name, shape in shapes.items()}

    def params_and_rates(self, theta: Theta, inner_steps: int) -> tuple[Theta, Rates]:
        parameters = self.parameters(theta)
        return parameters, {name: theta[ALPHA + name] for name in parameters}
