"""Matching networks: no inner gradient; a query is compared with every support drawing."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from maml_edu.foundation.types import Theta
from maml_edu.learners.base import MetricLearner


@dataclass(frozen=True)
class MatchingNet(MetricLearner, name="matching"):
    """Learn features in which a query's label is that of the support drawings it looks like:

        p(y | x) = sum over support drawings i of  a(x, x_i) * one_hot(y_i),
        a(x, x_i) = softmax over i of  scale * cosine( f(x), f(x_i) ).

    Vinyals, Blundell, Lillicrap, Kavukcuoglu & Wierstra (2016, arXiv 1606.04080), equation 1 and
    section 2.1.1, without their full context embeddings; `scale` is ours, and learned as its
    logarithm. Logits are log-probabilities.
    """

    start_scale: ClassVar[float] = 10.0  # a softmax of mere cosines, -1 to 1, is nearly flat

    def remember(self, features: Tensor, y: Tensor) -> Theta:
        return {"memory": features, "labels": y}

    def compare(self, features: Tensor, state: Theta) -> Tensor:
        cosines = normalize(features, dim=-1) @ normalize(state["memory"], dim=-1).T
        scaled = state["log_scale"].exp() * cosines
        scaled = scaled.masked_fill(state["labels"] < 0, -math.inf)  # padding is no example
        attention = scaled.log_softmax(-1)  # (queries, samples)
        classes = torch.arange(self.way, device=features.device)
        others = state["labels"] != classes[:, None]  # (way, samples)
        return attention[:, None].masked_fill(others, -math.inf).logsumexp(-1)
