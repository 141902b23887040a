"""An objective over a plane: of two parameters, or in the space of all parameters of a network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import LandscapeTrace, PlaneTrace
from maml_edu.views.traces import shared
from maml_edu.views.traces.shared import as_array, finite_rows

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

    def explained_fraction(self, parameters: Tensor) -> float:
        """How much of the squared distance from theta, summed over all rows of (…, parameters)
        that are finite, lies within the plane: 0 to 1."""
        rows = finite_rows(parameters - flat(self.theta))
        return shared.explained_fraction(rows, self.directions)


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
    directions = shared.main_directions(moved)
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
    return Plane("random directions", theta, directions, start.new_zeros(2), side)


@torch.no_grad()
def landscape(
    learner: Learner,
    theta: Theta,
    batch: TaskBatch,
    plane: Plane,
    *,
    task: int = 0,
    on: str = "support",
    inner_steps: int = 10,
    name: str | None = None,
) -> LandscapeTrace:
    """One task's loss at every point of a plane, and how each task of the batch moves in it.

    plane: a `main_plane` or a `random_plane`.
    task: whose loss it is, an index into the batch. on: its "support" or its "query" set.
    name: what to call the learner (default: its class name).
    """
    n_tasks = len(batch.support_x)
    if on not in ("support", "query"):
        raise ValueError(f"on is {on!r}; it must be 'support' or 'query'")
    if task not in range(n_tasks):
        raise ValueError(f"task is {task}; it must be from 0 to {n_tasks - 1}")
    taken = paths(learner, theta, batch, inner_steps=inner_steps)
    one = batch.task(task)
    losses = {  # of one row of flat parameters
        "support": lambda p: learner.loss_at(unflat(p, plane.theta), *one.support),
        "query": lambda p: learner.loss_at(unflat(p, plane.theta), *one.query, one.support_x),
    }
    ticks = plane.side * torch.linspace(-0.5, 0.5, plane.resolution).to(plane.middle)
    xs, ys = plane.middle[:, None] + ticks
    start, in_plane = flat(plane.theta), as_array(plane.coordinates(taken))
    return LandscapeTrace(
        learner=name or type(learner).__name__,
        rate=shared.rate_label(learner, theta, inner_steps),
        task=f"task {task + 1}",
        on=on,
        plane=plane.name,
        axis_x=as_array(xs),
        axis_y=as_array(ys),
        height=_heights(lambda at: losses[on](start + at @ plane.directions), xs, ys),
        paths={f"task {i + 1}": path for i, path in enumerate(in_plane)},
        explained_fraction=plane.explained_fraction(taken),
        **{f"{kind}_loss": as_array(vmap(loss)(taken[task])) for kind, loss in losses.items()},
    )


def plane(
    objective: Callable[[Tensor], Tensor],
    theta: Tensor,
    *,
    arrows: Mapping[str, Tensor],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    resolution: int = 61,
    paths: Mapping[str, Tensor] | None = None,
    points: Mapping[str, Tensor] | None = None,
    **labels: str,
) -> PlaneTrace:
    """An objective over two parameters, (2,) -> a scalar, on a grid, with arrows from theta (2,).

    arrows, points: name -> (2,); paths: name -> (steps + 1, 2).
    resolution: of the grid, along each side. labels: `x_label`, `y_label`, `title`.
    """
    xs, ys = (torch.linspace(*r, resolution, dtype=theta.dtype) for r in (x_range, y_range))
    given = [(group or {}).items() for group in (arrows, paths, points)]
    groups = [{name: as_array(value) for name, value in group} for group in given]
    height = _heights(objective, xs, ys)
    return PlaneTrace(as_array(xs), as_array(ys), height, as_array(theta), *groups, **labels)


def _heights(height: Callable[[Tensor], Tensor], xs: Tensor, ys: Tensor) -> np.ndarray:
    """A function of a point (2,) over a grid, (rows, columns)."""
    grid = torch.cartesian_prod(ys, xs).flip(1)  # rows of (x, y), y outermost
    return as_array(vmap(height)(grid).view(len(ys), len(xs)))
