"""A model is two things: parameters, as a dict of tensors, and a pure function of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from maml_edu.foundation.types import Theta
from maml_edu.models.norm import BatchNorm


class Model:
    """Any `nn.Module`, used as a pure function: `model(theta, x)`.

    `build` makes the module. The module kept here has no numbers of its own (it lives on PyTorch's
    "meta" device): every number comes from the `theta` that is passed in, and nothing is changed in
    place, so gradients flow through an adapted theta as through any other tensor.
    """

    def __init__(self, build: Callable[[], nn.Module]):
        self._build = build
        with torch.device("meta"):
            self._skeleton = build()
        # Whether what it says of one sample depends on the samples beside it.
        self.has_batch_norm = any(isinstance(m, BatchNorm) for m in self._skeleton.modules())
        if list(self._skeleton.buffers()):
            raise ValueError(
                "the module has buffers (such as a batch-norm's running statistics), which a pure "
                "function of theta cannot update; build it without, e.g. track_running_stats=False"
            )

    def init(
        self,
        *,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> Theta:
        """Fresh parameters: the layers' own initialisation, seeded by `generator`."""
        seeded_on = generator.device if generator is not None else None
        seed = torch.randint(2**62, (), generator=generator, device=seeded_on).item()
        with torch.random.fork_rng(devices=[]):  # nn.Module initialises from the global generator
            torch.manual_seed(seed)
            module = self._build()
        return {name: p.detach().to(device, dtype) for name, p in module.named_parameters()}

    def __call__(self, theta: Theta, x: Tensor, context: Tensor | None = None) -> Tensor:
        """The network with parameters `theta` at x: (samples, …) -> (samples, outputs).

        context: samples, shaped as x, from which batch-norm takes its statistics instead of from
            x (see `maml_edu.models.protocol`). A model without batch-norm has no use for it.
        """
        with_context = self.has_batch_norm and context is not None
        return functional_call(self._skeleton, theta, (x, context) if with_context else (x,))

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter: what a theta for this model must look like."""
        return {name: tuple(p.shape) for name, p in self._skeleton.named_parameters()}
