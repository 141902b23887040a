"""Almost no inner loop: only the head adapts, and the features under it are the same for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from maml_edu.learners.maml import MAML


@dataclass(frozen=True)
class ANIL(MAML, name="anil"):
    """MAML whose inner steps move the last layer alone: with theta = (body, head), minimise

        mean over tasks of  L_query( body, head - inner_lr * grad_head L_support(body, head) ).

    Raghu, Raghu, Bengio & Vinyals (2020, arXiv 1909.09157), section 4. The outer loop still trains
    the body, through the adapted head.

    inner_lr: one number, or one for each of the head's parameters.
    """

    body_rests: ClassVar[bool] = True
    head_lr: None = field(default=None, init=False)  # inner_lr is the head's

    def __post_init__(self):
        layer_of = {name: name.rpartition(".")[0] for name in self.model.shapes()}
        last = list(layer_of.values())[-1]
        head = [name for name, layer in layer_of.items() if layer == last]
        rate = self.inner_lr
        if not isinstance(rate, Mapping):
            object.__setattr__(self, "inner_lr", dict.fromkeys(head, rate))
        elif set(rate) != set(head):
            raise ValueError(f"inner_lr is for {', '.join(rate)}; ANIL adapts {', '.join(head)}")
        super().__post_init__()
