"""ProtoMAML: each task's head starts from its prototypes, and gradient steps continue from it."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from maml_edu.foundation.types import Device, Samples, Theta
from maml_edu.learners.maml import MAML
from maml_edu.learners.protonet import prototypes
from maml_edu.models import linear_head


@dataclass(frozen=True)
class ProtoMAML(MAML, name="protomaml"):
    """MAML without a head of its own. A task's head is made of its prototypes mu_c, the means of
    the support set's features by class, and is then adapted with everything else:

        w_c = 2 mu_c,   b_c = -|mu_c|^2,   so that   w_c . f + b_c = -|f - mu_c|^2 + |f|^2.

    Triantafillou et al. (2020, arXiv 1903.03096), section 3, where Snell, Swersky & Zemel (2017,
    section 2.4) wrote squared distances as a linear layer. The outer gradient passes through the
    prototypes. Before the first step it is a prototypical network; with no steps it stays one.

    model: one with a linear head of (way, features) weights and a bias, such as `conv4(way)`.
    """

    needs_classes: ClassVar[bool] = True
    needs_every_class: ClassVar[bool] = True

    def __post_init__(self):
        super().__post_init__()
        linear_head(self.model, "ProtoMAML")

    def init(self, *, generator: torch.Generator | None = None, device: Device = None) -> Theta:
        theta = super().init(generator=generator, device=device)
        return {name: theta[name] for name in self.shapes()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes, head = super().shapes(), linear_head(self.model, "ProtoMAML")
        return {name: shape for name, shape in shapes.items() if name not in head}

    def start(self, parameters: Theta, support: Samples) -> Theta:
        """The parameters, with the head of this support set's prototypes."""
        return {**parameters, **self.head(parameters, support)}

    def head(self, theta: Theta, support: Samples) -> Theta:
        """The linear layer whose logits are minus the squared distances to the prototypes, plus a
        term that is the same for all classes: weight (way, features) and bias (way,)."""
        x, y = support
        weight, bias = linear_head(self.model, "ProtoMAML")
        way, features = self.model.shapes()[weight]
        # with an identity for a head, the network's outputs are the features
        identity = {weight: torch.eye(features).to(x), bias: torch.zeros(features).to(x)}
        mu = prototypes(self.model({**self.parameters(theta), **identity}, x), y, way)
        return {weight: 2 * mu, bias: -mu.square().sum(1)}
