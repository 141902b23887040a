"""What the exercises of several lessons are made of: random problems, a network, a probe."""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from maml_edu.exercises.difference import kind, numbers
from maml_edu.exercises.judge import Fault
from maml_edu.foundation.types import LossFn, Rate, Theta
from maml_edu.inner import adapt

NAMES = ("in.weight", "in.bias", "out.weight", "out.bias")
FIRST_ORDER = "this is first-order: the graph of the inner step was cut (see create_graph)"
Pair = tuple[Tensor, Tensor]  # x and y
NORMAL = 1.96  # standard errors on each side of a mean that hold 95% of a normal distribution


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


def paired(one: Tensor, other: Tensor, *, dim: int = 0, factor: float = NORMAL) -> Pair:
    """The mean of one minus other, on the same tasks, and the half-width of its interval.

    one, other: (…, tasks, …) with the tasks along `dim`. factor: how many standard errors.
    """
    gain = one - other
    return gain.mean(dim), factor * gain.std(dim) / gain.shape[dim] ** 0.5


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


def few_shot(n: int) -> Iterator[tuple[Theta, Pair, Pair]]:
    """`n` problems (theta, support, query) for `mse`, with 5 and 7 samples."""
    for theta, x, y in regressions(n, samples=12):
        yield theta, (x[:5], y[:5]), (x[5:], y[5:])


def one_theta(problems: Iterable[tuple]) -> tuple[Theta, list[tuple]]:
    """The first problem's theta, and what the problems have beside theta: the tasks."""
    thetas, *parts = zip(*problems, strict=True)
    return thetas[0], list(zip(*parts, strict=True))


def adapted(
    loss_fn: LossFn, theta: Theta, data: Pair, inner_lr: Rate, inner_steps: int = 1, **how: bool
) -> Theta:
    """theta after the inner steps on data, (x, y). how: further options of `adapt`."""
    return adapt(loss_fn, theta, *data, inner_lr=inner_lr, inner_steps=inner_steps, **how)[-1]


def wrong_sets(solution: Callable) -> dict[str, Callable]:
    """The mistakes with the two sets of `solution(loss_fn, theta, support, query, ...)`."""

    def on(first, second):
        return lambda f, t, *rest: solution(f, t, rest[first], rest[second], *rest[2:])

    return {
        "the support set is used again as the query set, and was just adapted to": on(0, 0),
        "it adapts to the query set, which is there to judge what was learnt": on(1, 1),
        "support and query are swapped": on(1, 0),
    }


def with_faults(faults: dict[str, str], function: Callable[..., Callable]) -> dict[str, tuple]:
    """Every combination of faults: what to say of the first one -> the functions that have it.

    faults: name -> what to say; function: (names of faults) -> the function that has these.
    """
    names = list(faults)
    return {
        faults[name]: tuple(
            function(name, *others)
            for n in range(len(names) - i)
            for others in combinations(names[i + 1 :], n)
        )
        for i, name in enumerate(names)
    }


def traced(function: Callable) -> Callable:
    """A probe: what `function` returns, and the gradient through it with respect to theta, the
    dict among its arguments (zeros where nothing flows), so that a cut graph shows."""

    def both(*arguments):
        made = function(*arguments)
        theta = next(a for a in arguments if isinstance(a, dict))
        end = made[-1] if isinstance(made, list | tuple) and made else made  # of all states
        tensors = [part for part in tree_leaves(end) if isinstance(part, Tensor)]
        if not tensors:
            raise Fault(f"return tensors, so that gradients can flow; this is {kind(made)}")
        total = sum(0 * p.sum() for p in theta.values())  # it has a gradient, if only zeros
        for part in tensors:
            if part.requires_grad and part.is_floating_point():
                total = total + (part**2).sum()
        grads = torch.autograd.grad(total, list(theta.values()))
        flows = dict(zip(theta, grads, strict=True))
        return {"result": made, "gradient with respect to theta": flows}

    return both


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
