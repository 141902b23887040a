"""Matching networks: no inner gradient; a query is compared with every support drawing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy, normalize

from maml_edu.foundation.checks import at_least, flag, integer
from maml_edu.foundation.options import option
from maml_edu.foundation.types import Device, Samples, Theta
from maml_edu.learners.base import Learner
from maml_edu.learners.checks import refuse_unused
from maml_edu.models.lstm import along, lstm_step
from maml_edu.tasks import TaskBatch

# What adapting adds to theta: the support set's features, and its labels, one-hot: (samples, way).
MEMORY, OF_CLASS = "memory", "of_class"
START_SCALE = 10.0  # cosines lie between -1 and 1; a softmax of these alone is nearly flat


@dataclass(frozen=True)
class MatchingNet(Learner, name="matching"):
    """Learn features in which a query's label is that of the support drawings it looks like:

        p(y | x) = sum over support drawings i of  a(x, x_i) * one_hot(y_i),
        a(x, x_i) = softmax over i of  scale * cosine( f(x), g(x_i) ).

    Vinyals, Blundell, Lillicrap, Kavukcuoglu & Wierstra (2016, arXiv 1606.04080), equation 1 and
    section 2.1.1; `scale` is ours, and learned as its logarithm.

    model: one without a head, such as `conv4(None)`. way: classes in a task, each of which needs an
        example in the support set.
    fce: full context embeddings (section 2.1.2, appendix A). g sees the whole support set through
        an LSTM in each direction, in the given order; f reads it `fce_steps` times. Default: False.
    Adapting takes one step, which remembers the support set; inner_lr, inner_steps and
    checkpointing are refused, since there is no gradient step, and fce_steps without fce.
    """

    families: ClassVar[tuple[str, ...]] = ("omniglot",)
    headless: ClassVar[bool] = True
    body_rests: ClassVar[bool] = True
    needs_every_class: ClassVar[bool] = True
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    way: int = 5
    fce: bool = option(False, flag, "full context embeddings")
    fce_steps: int = option(5, integer(1, 20), "readings of the support set under fce")

    def __post_init__(self):
        super().__post_init__()
        at_least(2, way=self.way)
        if not self.fce:
            refuse_unused(self, "fce is False", "fce_steps")

    def init(
        self, *, generator: Generator | None = None,
        device: Device = None,
    ) -> Theta:  # fmt: skip
        theta = super().init(generator=generator, device=device)
        on = getattr(generator, "device", None)
        for name, shape in self.shapes().items():
            if name.startswith("fce."):  # as torch.nn.LSTM starts: uniform, by its hidden size
                drawn = 2 * torch.rand(shape, generator=generator, device=on) - 1
                theta[name] = drawn.to(device) / math.sqrt(shape[0] // 4)
        return theta | {"log_scale": torch.tensor(START_SCALE, device=device).log()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes()
        if self.fce:
            n = list(shapes.values())[-1][0]  # features: the last layer's outputs
            for lstm, inputs in (("forward", 2 * n), ("backward", 2 * n), ("read", 3 * n)):
                shapes |= {f"fce.{lstm}.weight": (4 * n, inputs), f"fce.{lstm}.bias": (4 * n,)}
        return shapes | {"log_scale": ()}

    def adapt(
        self, theta: Theta, support: Samples, *,
        inner_steps: int | None = None, first_order: bool = False,
    ) -> list[Theta]:  # fmt: skip
        """theta, and theta with what it remembers of one support set."""
        x, y = support
        memory = plain = self.model(self._body(theta), x)
        if self.fce:  # appendix A.2
            back = along(theta, "fce.backward", plain.flip(0)).flip(0)
            memory = plain + along(theta, "fce.forward", plain) + back
        of_class = (y[:, None] == torch.arange(self.way, device=y.device)).to(x.dtype)
        return [theta, {**theta, MEMORY: memory, OF_CLASS: of_class}]

    def predict(self, state: Theta, x: Tensor, support_x: Tensor | None = None) -> Tensor:
        """Log-probabilities, which are logits too: (queries, way); all alike before adapting."""
        if MEMORY not in state:
            return x.new_full((len(x), self.way), -math.log(self.way))
        features, memory = super().predict(self._body(state), x, support_x), state[MEMORY]
        if self.fce:
            features = self._read(state, features)
        cosines = normalize(features, dim=-1) @ normalize(memory, dim=-1).T
        attention = (state["log_scale"].exp() * cosines).log_softmax(-1)  # (queries, samples)
        return attention[:, None].masked_fill(state[OF_CLASS].T == 0, -math.inf).logsumexp(-1)

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        state = self.adapt(theta, task.support)[-1]
        return self.loss(self.predict(state, task.query_x, task.support_x), task.query_y)

    def _read(self, state: Theta, features: Tensor) -> Tensor:
        """Each query's features after reading the memory, (queries, features): appendix A.1."""
        hidden, cell = torch.zeros_like(features), torch.zeros_like(features)
        for _ in range(self.fce_steps):
            read = (hidden @ state[MEMORY].T).softmax(-1) @ state[MEMORY]
            out, cell = lstm_step(state, "fce.read", torch.cat([features, hidden, read], -1), cell)
            hidden = out + features
        return hidden

    def _body(self, state: Theta) -> Theta:
        return {name: state[name] for name in self.model.shapes()}
