"""A plane in the space of all parameters of a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.traces.arrays import explained_fraction, finite_rows, main_directions

ROOM = 0.15  # around the paths, as a fraction of the window's side


@dataclass(frozen=True)
class Plane:
    """The plane theta + a * directions[0] + b * directions[1], and the part of it to look at.

    theta: the model's parameters; learned rates are left out.
    directions: (2, parameters), of length 1 and at right angles.
    middle, side: the square window, its middle (2,) and its side, in the parameters' own units.
    resolution: points along each side of the window (default: 31).
    """

    name: str
    theta: Theta
    directions: Tensor
    middle: Tensor
    side: float
    resolution: int = 31

    def __post_init__(self) -> None:
        at_least(2, resolution=self.resolution)
        if not self.side > 0:
            raise ValueError(f"side is {self.side}; it must be above 0")

    def coordinates(self, parameters: Tensor) -> Tensor:
        """Where flat parameters (…, parameters) project to in the plane: (…, 2)."""
        return (parameters - flat(self.theta)) @ self.directions.T

    def point(self, at: Tensor) -> Theta:
        """The parameters at coordinates (2,)."""
        return unflat(flat(self.theta) + at @ self.directions, self.theta)

    def ticks(self) -> tuple[Tensor, Tensor]:
        """The coordinates of the window's grid along each side: x and y, (resolution,)."""
        ticks = self.side * torch.linspace(-0.5, 0.5, self.resolution).to(self.middle)
        return self.middle[0] + ticks, self.middle[1] + ticks

    def explained_fraction(self, parameters: Tensor) -> float:
        """How much of the squared distance from theta, summed over all rows of (…, parameters)
        that are finite, lies within the plane: 0 to 1."""
        return explained_fraction(finite_rows(parameters - flat(self.theta)), self.directions)


def flat(theta: Theta) -> Tensor:
    """All parameters as one row, (parameters,)."""
    return torch.cat([p.flatten() for p in theta.values()])


def unflat(parameters: Tensor, like: Theta) -> Theta:
    """A row of parameters, (parameters,), as a dict with the names and shapes of another."""
    parts = parameters.split([p.numel() for p in like.values()])
    return {name: part.view(p.shape) for (name, p), part in zip(like.items(), parts, strict=True)}


@torch.no_grad()
def paths(learner: Learner, theta: Theta, batch: TaskBatch, *, inner_steps: int = 10) -> Tensor:
    """The flat parameters of each task at each inner step: (tasks, inner_steps + 1, parameters)."""

    def path(support: tuple[Tensor, Tensor]) -> Tensor:
        states = learner.adapt(theta, support, inner_steps=inner_steps)
        return torch.stack([flat(state) for state in states])

    return vmap(path)(batch.support)


def main_plane(theta: Theta, through: Tensor) -> Plane:
    """The plane through theta that holds most of the motion of paths (…, parameters).

    Principal components, but of the distances from theta rather than from the mean, so that theta
    itself lies in the plane. Points that are not finite are left out. A ValueError where fewer
    than two directions were taken.
    """
    moved = finite_rows(through - flat(theta))
    directions = main_directions(moved)
    if not directions[1].any():
        raise ValueError(f"through has {len(moved)} finite points on one line; a plane needs more")
    at = moved @ directions.T
    low, high = at.min(0).values, at.max(0).values
    side = (1 + 2 * ROOM) * (high - low).max().item()
    return Plane("main directions of the paths", theta, directions, (low + high) / 2, side)


def random_plane(theta: Theta, side: float, *, generator: torch.Generator | None = None) -> Plane:
    """A plane through theta in two random directions, seen in a window of that side around it."""
    start = flat(theta)
    drawn = torch.randn(len(start), 2, generator=generator).to(start)
    directions = torch.linalg.qr(drawn).Q.T
    return Plane("random directions", theta, directions, torch.zeros(2).to(start), side)
