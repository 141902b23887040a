"""Learners adapting to points that were placed by hand."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, mse_loss

from maml_edu.foundation.checks import InputError, at_least
from maml_edu.foundation.types import Rates, Theta
from maml_edu.learners import GradientLearner
from maml_edu.tasks import SinusoidTasks
from maml_edu.views.scenes import ByHandTrace, DenseNetwork
from maml_edu.views.traces.shared import as_array

LEAST_SPREAD = 1e-9  # of the points' places: with less, they leave the wave open


@torch.no_grad()
def by_hand(
    learners: Mapping[str, tuple[GradientLearner, Theta]],
    points: Sequence[tuple[float, float]] = (),
    *,
    tasks: SinusoidTasks | None = None,
    inner_steps: int = 10,
    grid: int = 161,
) -> ByHandTrace:
    """Let learners, name -> (learner, theta), adapt to points (x, y), and fit a wave to them.

    tasks: where the range of x and the waves' sizes come from (default: the paper's).
    grid: at how many places the functions are drawn.
    Raises InputError for a network or a way of adapting that the browser cannot repeat: it knows
    dense layers with ReLU, the mean squared error, and a rate a parameter tensor and step.
    """
    at_least(1, learners=len(learners), inner_steps=inner_steps)
    source = tasks or SinusoidTasks()
    like = next(tensor for _, theta in learners.values() for tensor in theta.values())
    x = torch.linspace(*source.x_range, grid, dtype=like.dtype, device=like.device)
    placed = like.new_tensor([list(point) for point in points]).reshape(-1, 2)
    support = placed[:, :1], placed[:, 1:]
    networks, curves, losses = [], [], []
    for name, (learner, theta) in learners.items():
        networks.append(_dense(name, learner, theta, inner_steps))
        # The mean error of no points is nan: then there is no gradient to follow.
        states = learner.adapt(theta, support, inner_steps=inner_steps if len(placed) else 0)
        states += states[-1:] * (inner_steps + 1 - len(states))
        curves.append(torch.stack([learner.predict(s, x[:, None])[:, 0] for s in states]))
        losses.append(torch.stack([learner.loss_at(state, *support) for state in states]))
    (a, b), loss = best_wave(as_array(placed))
    grid_x = as_array(x)
    return ByHandTrace(
        networks=tuple(networks),
        points=as_array(placed),
        grid_x=grid_x,
        curves=as_array(torch.stack(curves)),
        support_loss=as_array(torch.stack(losses)),
        best_wave=a * np.sin(grid_x) + b * np.cos(grid_x),
        best_wave_loss=loss,
        amplitude=tuple(source.amplitude),
        phase=tuple(source.phase),
    )


def best_wave(points: np.ndarray) -> tuple[tuple[float, float], float]:
    """(a, b) of the wave a sin(x) + b cos(x) with the least squared error at points (n, 2), and
    its mean squared error; nan where the points leave it open.

    Every A sin(x - phase) is such a wave, with a = A cos(phase) and b = -A sin(phase).
    """
    x, y = points.T
    form = np.stack([np.sin(x), np.cos(x)], 1)
    # This determinant is the sum over pairs of sin(x_i - x_j)^2: how far apart the places are.
    if not np.linalg.det(form.T @ form) > LEAST_SPREAD * len(points) ** 2:
        return (np.nan, np.nan), np.nan
    a, b = np.linalg.solve(form.T @ form, form.T @ y)
    return (a, b), float(np.mean((form @ [a, b] - y) ** 2))


def _dense(name: str, learner: GradientLearner, theta: Theta, inner_steps: int) -> DenseNetwork:
    """The network as the browser takes it; InputError if it is not what `by_hand` says."""
    kind = type(learner)
    plain = isinstance(learner, GradientLearner) and learner.loss is mse_loss
    if not (plain and kind.adapt is GradientLearner.adapt
            and kind.start is GradientLearner.start
            and kind.inner_loss is GradientLearner.inner_loss):  # fmt: skip
        allowed = "take plain gradient steps on the mean squared error"
        raise InputError(f"{name} is {kind.__name__} with {learner.loss}; it must {allowed}")
    parameters, rates = learner.params_and_rates(theta, inner_steps)
    layers = list(parameters.values())
    _check_forward(name, learner, parameters, layers)
    table = [[_rate(name, one, key) for key in parameters] for one in _by_step(rates, inner_steps)]
    return DenseNetwork(
        name, tuple(as_array(p) for p in layers), np.array(table).reshape(inner_steps, -1)
    )


def _check_forward(
    name: str, learner: GradientLearner, parameters: Theta, layers: list[Tensor]
) -> None:
    """InputError unless the network does what dense layers with ReLU do."""
    found = x = torch.linspace(-3, 3, 25).to(layers[0])[:, None]
    try:
        for i, (weight, bias) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
            found = linear(found.relu() if i else found, weight, bias)
        same = torch.allclose(found, learner.model(parameters, x), rtol=1e-4, atol=1e-5)
    except (RuntimeError, ValueError):  # other shapes, or no weight and bias in turn
        same = False
    if not same:
        raise InputError(f"the model of {name} must be dense layers with ReLU, from 1 unit to 1")


def _by_step(rates: Rates, inner_steps: int) -> list:
    return list(rates) if isinstance(rates, Sequence) else [rates] * inner_steps


def _rate(name: str, rate: object, key: str) -> float:
    """The rate of one parameter tensor in one step; 0 where it stays as it is."""
    one = torch.as_tensor(rate.get(key, 0.0) if isinstance(rate, Mapping) else rate)
    if one.numel() != 1:
        raise InputError(f"{name} has a rate for each number of {key}; it must have one for all")
    return one.item()
