"""A model is two things: parameters, as a dict of tensors, and a pure function of them."""

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_leaves, tree_map

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.randomness import device_of
from maml_edu.foundation.types import Device, Theta, refuse_arrays
from maml_edu.models import norm
from maml_edu.models import skeleton as make

CHANGES = (
    "the module changes {} while it runs, which a pure function of theta cannot do; leave that "
    "layer out, or put the module in eval()"
)


class Model:
    """Any `nn.Module`, used as a pure function: `model(theta, x)`.

    theta holds the parameters that are trained, and every number of theirs comes from the theta
    that is passed in, so gradients flow through an adapted theta as through any other tensor.
    `model.constants` holds the module's other numbers, which nothing moves: parameters with
    `requires_grad_(False)`, buffers, plain tensors. They do not depend on `init`'s seed.

    - PyTorch's batch-norm takes its statistics from the batch, never from running averages, and
      honours the protocol (see `maml_edu.models.protocol`). A batch-norm that was put in eval()
      uses its running averages as constants.
    - Dropout is on while the meta-loss is computed, off everywhere else, and off in a module that
      was put in eval().

    build: makes the module; or a module itself, of which this keeps a copy: `init` then gives its
        own parameters, whatever the seed. head: the name of its last linear layer, such as "fc".
        Default: the layer named "head", or else the last layer if that is linear. `model.head` is
        None for a module without one.
    Raises InputError for a head that is not there, and for what a pure function cannot do.
    """

    def __init__(self, build: Callable[[], nn.Module] | nn.Module, head: str | None = None):
        module = make.fresh(build, seed=0)
        self._build = make.fresh(build, seed=0) if isinstance(build, nn.Module) else build
        self._skeleton, self.constants = make.skeleton(module)
        # Whether what it says of one sample depends on the samples beside it.
        self.has_batch_norm = any(isinstance(m, norm.BatchNorm) for m in self._skeleton.modules())
        self.side_by_side = make.runs_side_by_side(self._skeleton)  # whether vmap can run it
        self._kernels = nullcontext if make.is_plain(self._skeleton) else make.twice_differentiable
        self._random = [m for m in self._skeleton.modules() if m.training]
        self._set_mode(training=False)
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
        seeded_on = device_of(generator)
        seed = torch.randint(2**62, (), generator=generator, device=seeded_on).item()
        parameters = make.trained(make.fresh(self._build, seed))
        return {name: p.detach().to(device, dtype) for name, p in parameters.items()}

    def __call__(self, theta: Theta, x: Tensor, context: Tensor | None = None) -> Any:
        """The network with parameters `theta` at x: (samples, …) -> (samples, outputs), or
        whatever the module takes and returns, such as dicts of these.

        context: samples, shaped as x, from which batch-norm takes its statistics instead of from
            x (see `maml_edu.models.protocol`). A model without batch-norm has no use for it.
        Raises InputError where the network cannot take x's dtype, or theta lacks a parameter.
        """
        if context is None or not self.has_batch_norm:
            return self._run(theta, x)
        n_context = len(tree_leaves(context)[0])
        together = tree_map(lambda *two: torch.cat(two), context, x)
        with norm.statistics_from(n_context, len(tree_leaves(together)[0])):
            return tree_map(lambda outputs: outputs[n_context:], self._run(theta, together))

    def _run(self, theta: Theta, x: Any) -> Any:
        if self._mode != make.in_training():
            self._set_mode(make.in_training())
        constants = self._constants_beside(theta)
        before = {name: c._version for name, c in constants.items()}
        given = {**theta, **constants}
        try:
            with self._kernels():
                outputs = functional_call(self._skeleton, given, (x,))
        except (RuntimeError, TypeError, AttributeError) as error:
            self._explain(theta, x, error)  # only now, so a good call pays nothing for it
            raise
        for name, version in before.items():
            if given[name] is not constants[name] or given[name]._version != version:
                raise InputError(CHANGES.format(name))
        return outputs

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter: what a theta for this model must look like."""
        return {name: tuple(p.shape) for name, p in make.trained(self._skeleton).items()}

    def with_constants(self, constants: Theta) -> "Model":
        """The same model with other constants, of the same names and shapes."""
        other = copy.copy(self)
        other.constants = constants
        return other

    def module(self, theta: Theta, support_x: Tensor | None = None) -> nn.Module:
        """A plain `nn.Module` in eval() with theta and the constants in it, as the module was
        built: its `state_dict()` loads into the reader's own class, strictly.

        theta: the parameters, or an adapted state; what else it holds, such as learned rates, is
            left out.
        support_x: samples whose statistics PyTorch's batch-norms keep as running averages, so that
            the module answers as with the protocol "support-only". A model with such layers needs
            it. (The package's own `BatchNorm`, as in conv4, keeps none: a module with it goes on
            taking them from each batch.)
        """
        module = make.fresh(self._build, seed=0)
        if missing := ", ".join(name for name in self.shapes() if name not in theta):
            raise InputError(f"theta lacks {missing}, parameters of this model")
        if (remembering := norm.with_memory(module)) and support_x is None:
            raise InputError(
                "support_x is missing; the module's batch-norm needs samples to take its running "
                "averages from"
            )
        make.put(module, {name: theta[name] for name in self.shapes()} | self.constants)
        module.eval()
        if remembering:
            norm.take_statistics(module, remembering, support_x)
        return module

    def _set_mode(self, training: bool) -> None:
        self._mode = training
        for layer in self._random:
            layer.training = training

    def _constants_beside(self, theta: Theta) -> Theta:
        """The constants on the device that theta is on."""
        device = next(iter(theta.values())).device if theta else None
        if any(c.device != device for c in self.constants.values()):
            self.constants = {name: c.to(device) for name, c in self.constants.items()}
        return self.constants

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
        if self.constants and any(
            said in str(error) for said in ("inplace", "in-place", "in place")
        ):
            raise InputError(CHANGES.format("a buffer or a frozen parameter")) from error


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
        name: layer
        for name, layer in module.named_modules()
        if any(p.requires_grad for p in layer.parameters(False))
    }
    if hasattr(module, "head"):
        return "head" if "head" in layers else None
    last = next(reversed(layers), None)
    return last if isinstance(layers.get(last), nn.Linear) else None
