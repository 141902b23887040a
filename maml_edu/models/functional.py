"""A model is two things: parameters, as a dict of tensors, and a pure function of them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Device, Theta, refuse_arrays
from maml_edu.models.norm import BatchNorm


class Model:
    """Any `nn.Module`, used as a pure function: `model(theta, x)`.

    The module kept here has no numbers of its own (it lives on PyTorch's "meta" device): every
    number comes from the `theta` that is passed in, and nothing is changed in place, so gradients
    flow through an adapted theta as through any other tensor.

    build: makes the module. head: the name of its last linear layer, such as "fc". Default: the
        layer named "head", or else the last layer if that is linear. `model.head` is None for a
        module without one. Raises InputError for buffers, and for a head that is not there.
    """

    def __init__(self, build: Callable[[], nn.Module], head: str | None = None):
        self._build = build
        with torch.device("meta"):
            self._skeleton = build()
        # Whether what it says of one sample depends on the samples beside it.
        self.has_batch_norm = any(isinstance(m, BatchNorm) for m in self._skeleton.modules())
        if list(self._skeleton.buffers()):
            raise InputError(
                "the module has buffers (such as a batch-norm's running statistics), which a pure "
                "function of theta cannot update; build it without, e.g. track_running_stats=False"
            )
        self.head = _find_head(self._skeleton) if head is None else head
        layers = {name.rpartition(".")[0] for name in self.shapes()}
        if head is not None and head not in layers:
            raise InputError(f"head is {head!r}; it must be one of {', '.join(sorted(layers))}")

    def init(
        self,
        *,
        generator: torch.Generator | None = None,
        device: Device = None,
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
        Raises InputError where the network cannot take x's dtype, or theta lacks a parameter.
        """
        with_context = self.has_batch_norm and context is not None
        try:
            return functional_call(self._skeleton, theta, (x, context) if with_context else (x,))
        except (RuntimeError, TypeError, AttributeError) as error:
            self._explain(theta, x, error)  # only now, so a good call pays nothing for it
            raise

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter: what a theta for this model must look like."""
        return {name: tuple(p.shape) for name, p in self._skeleton.named_parameters()}

    def _explain(self, theta: Theta, x: Tensor, error: Exception) -> None:
        """Raise an InputError that names the argument which the network could not take."""
        names = self.shapes()
        if missing := ", ".join(name for name in names if name not in theta):
            raise InputError(f"theta lacks {missing}, parameters of this model") from error
        dtype = next((theta[name].dtype for name in names), None)
        refuse_arrays(**{f"theta[{name!r}]": theta[name] for name in names})
        refuse_arrays(dtype, x=x)
        if isinstance(x, Tensor) and x.dtype != dtype and "type" in str(error):
            raise InputError(
                f"x is of {x.dtype}; it must be of {dtype}, as theta is: give x.to({dtype})"
            ) from error


def head_names(model: Model, user: str | None = None) -> list[str]:
    """The names of the head's parameters; none for a model without a head.

    user: who needs a head: for a model without one, an InputError says so.
    """
    head = getattr(model, "head", None)  # a model of the reader's own may not say
    if head is None and user:
        raise InputError(
            f"model has no head; {user} needs one: a linear layer at its end, or the layer that "
            "Model(build, head=...) names"
        )
    prefix = f"{head}." if head else ""
    return [] if head is None else [name for name in model.shapes() if name.startswith(prefix)]


def linear_head(model: Model, user: str) -> tuple[str, str]:
    """The names of the head's weight (way, features) and bias (way,), for a `user` of both."""
    names = head_names(model, user)
    by_part = {name.rpartition(".")[2]: name for name in names}
    if set(by_part) != {"weight", "bias"}:
        raise InputError(f"model's head has {', '.join(names)}; {user} needs a weight and a bias")
    return by_part["weight"], by_part["bias"]


def _find_head(module: nn.Module) -> str | None:
    """The name of the layer "head", or of the last layer with parameters if it is linear."""
    layers = {
        name: layer for name, layer in module.named_modules() if list(layer.parameters(False))
    }
    if hasattr(module, "head"):
        return "head" if "head" in layers else None
    last = next(reversed(layers), None)
    return last if isinstance(layers.get(last), nn.Linear) else None
