"""Prototypical networks: no inner gradient, a class is the mean of its support set's features."""

from dataclasses import dataclass

import torch
from torch import Tensor

from maml_edu.foundation.types import Theta
from maml_edu.learners.base import MetricLearner


@dataclass(frozen=True)
class ProtoNet(MetricLearner, name="protonet"):
    """Learn features in which a query is nearest to the prototype of its own class:

        p(y = c | x)  is proportional to  exp( -scale * |f(x) - mean of f over class c|^2 ).

    Snell, Swersky & Zemel (2017, arXiv 1703.05175), equations 1 and 2; `scale` is learned as well
    (as its logarithm), because features that batch-norm keeps in place cannot grow to sharpen it.
    """

    def remember(self, features: Tensor, y: Tensor) -> Theta:
        return {"prototypes": prototypes(features, y, self.way)}

    def compare(self, features: Tensor, state: Theta) -> Tensor:
        means = state["prototypes"]
        # |f - mean|^2 without |f|^2, which is the same for all classes
        nearness = 2 * features @ means.T - means.square().sum(1)
        return state["log_scale"].exp() * nearness


def prototypes(features: Tensor, y: Tensor, way: int) -> Tensor:
    """The mean features of each class: (samples, features), labels (samples,) -> (way, features).

    (`one_hot` looks at the values of labels, which cannot be captured.)
    """
    of_class = (y[:, None] == torch.arange(way, device=y.device)).to(features.dtype)
    return of_class.T @ features / of_class.sum(0)[:, None]
