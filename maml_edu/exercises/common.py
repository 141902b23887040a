"""What the exercises of several lessons are made of: random problems, a network, a probe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from maml_edu.exercises.difference import kind, numbers
from maml_edu.exercises.judge import Fault
from maml_edu.foundation.types import LossFn, Theta
from maml_edu.inner import adapt

NAMES = ("in.weight", "in.bias", "out.weight", "out.bias")
FIRST_ORDER = "this is first-order: the graph of the inner step was cut (see create_graph)"
Pair = tuple[Tensor, Tensor]  # x and y


class Draws:
    """Random tensors from one seed; real ones in float64."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)
        self._how = {"generator": self.generator, "dtype": torch.float64}

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, **self._how)

    def uniform(self, *shape: int) -> Tensor:
        """Between 0 and 1."""
        return torch.rand(shape, **self._how)

    def labels(self, way: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to way - 1."""
        return torch.randint(way, shape, generator=self.generator)


def tiny_model(theta: Theta, x: Tensor) -> Tensor:
    """One hidden layer of tanh, (samples, 2) -> (samples, 1). Its curvature is nowhere zero."""
    hidden = torch.tanh(x @ theta["in.weight"] + theta["in.bias"])
    return hidden @ theta["out.weight"] + theta["out.bias"]


def mse(theta: Theta, x: Tensor, y: Tensor) -> Tensor:
    """The mean squared error of `tiny_model`."""
    return ((tiny_model(theta, x) - y) ** 2).mean()


def regressions(n: int, samples: int = 6) -> Iterator[tuple[Theta, Tensor, Tensor]]:
    """`n` problems (theta, x, y) for `mse`; theta requires a gradient, as under an outer loop."""
    draws = Draws(2)
    for _ in range(n):
        parts = draws.normal(2, 3), draws.normal(3), draws.normal(3, 1), draws.normal(1)
        theta = {name: part.requires_grad_() for name, part in zip(NAMES, parts, strict=True)}
        yield theta, draws.normal(samples, 2), draws.normal(samples, 1)


def adapted(
    loss_fn: LossFn,
    theta: Theta,
    data: Pair,
    inner_lr: float,
    inner_steps: int = 1,
    first_order: bool = False,
) -> Theta:
    """theta after the inner steps on data, (x, y)."""
    how = {"inner_lr": inner_lr, "inner_steps": inner_steps, "first_order": first_order}
    return adapt(loss_fn, theta, *data, **how)[-1]


def wrong_sets(solution: Callable) -> dict[str, Callable]:
    """The mistakes with the two sets of `solution(loss_fn, theta, support, query, ...)`."""
    return {
        "the support set is used again as the query set, and was just adapted to": (
            lambda f, t, support, query, *rest: solution(f, t, support, support, *rest)
        ),
        "it adapts to the query set, which is there to judge what the support set taught": (
            lambda f, t, support, query, *rest: solution(f, t, query, query, *rest)
        ),
        "support and query are swapped": (
            lambda f, t, support, query, *rest: solution(f, t, query, support, *rest)
        ),
    }


def traced_state(function: Callable) -> Callable:
    """A probe for functions that return an adapted theta."""
    return _traced(function, lambda made: _is_theta(made) and made, "a dict, name -> tensor")


def traced_states(function: Callable) -> Callable:
    """A probe for functions that return the list of all states of theta."""

    def last(made: object) -> Theta | None:
        listed = isinstance(made, list | tuple) and made
        return made[-1] if listed and all(map(_is_theta, made)) else None

    return _traced(function, last, "a list of dicts, one for each state")


def traced_loss(function: Callable) -> Callable:
    """A probe for functions that return a loss."""

    def loss(made: object) -> Theta | None:
        real = isinstance(made, Tensor) and not made.is_complex()
        return {"loss": made} if real and not made.shape else None

    return _traced(function, loss, "a scalar tensor, the loss")


def _traced(function: Callable, last: Callable, wanted: str) -> Callable:
    """What `function` returns, and the gradient through it with respect to theta (zeros where
    nothing flows), so that a cut graph shows.

    last: the tensors to differentiate in what is returned, else None: then `wanted` is asked for.
    """

    def both(*arguments):
        made = function(*arguments)
        end = last(made)
        if not end:
            raise Fault(f"return {wanted}; this returns {kind(made)}")
        theta = next(a for a in arguments if isinstance(a, dict))
        return {"result": made, "gradient with respect to theta": _gradient(end, theta)}

    return both


def _is_theta(value: object) -> bool:
    return (
        isinstance(value, dict)
        and len(value) > 0
        and all(isinstance(p, Tensor) and not p.is_complex() for p in value.values())
    )


def _gradient(end: Theta, theta: Theta) -> Theta:
    probe = sum((p**2).sum() for p in end.values())
    if not probe.requires_grad:
        return {name: torch.zeros_like(p) for name, p in theta.items()}
    grads = torch.autograd.grad(
        probe, list(theta.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(theta, grads, strict=True))


def support_and_query(made: object) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """support_x, support_y, query_x and query_y out of a task that a reader's function made."""
    wanted = "return (support_x, support_y), (query_x, query_y), all tensors"
    if not isinstance(made, list | tuple):
        raise Fault(f"{wanted}; this returns {kind(made)}")
    flat = [part for pair in made if isinstance(pair, list | tuple) for part in pair]
    parts = [numbers(part) for part in flat]
    if len(made) != 2 or len(parts) != 4 or any(p is None or p.is_complex() for p in parts):
        raise Fault(wanted)
    return tuple(parts)
