"""A loss over a plane in the space of all parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes.records import LandscapeTrace

__all__ = ["LandscapeTrace", "Plane", "flat", "landscape", "main_plane", "paths",
           "random_plane", "unflat"]  # fmt: skip

ROOM = 0.15  # around the paths, as a share of the window's side


@dataclass(frozen=True)
class Plane:
    """The plane theta + a * directions[0] + b * directions[1], and the part of it to look at.

    directions: (2, parameters), of length 1 and at right angles.
    middle, side: the square window, its middle (2,) and its side, in the parameters' own units.
    """

    name: str
    theta: Theta
    directions: Tensor
    middle: Tensor
    side: float

    def coordinates(self, parameters: Tensor) -> Tensor:
        """Where flat parameters (…, parameters) have their shadow in the plane: (…, 2)."""
        return (parameters - flat(self.theta)) @ self.directions.T

    def point(self, at: Tensor) -> Theta:
        """The parameters at coordinates (2,)."""
        return unflat(flat(self.theta) + at @ self.directions, self.theta)

    def share(self, parameters: Tensor) -> float:
        """How much of the squared distance from theta, summed over all rows of (…, parameters)
        that are finite, lies within the plane: 0 to 1."""
        moved = _finite(parameters - flat(self.theta))
        total = moved.square().sum().item()
        return (moved @ self.directions.T).square().sum().item() / total if total > 0 else 1.0


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
    moved = _finite(through - flat(theta))
    _, lengths, directions = torch.linalg.svd(moved, full_matrices=False)
    if len(lengths) < 2 or not lengths[1] > 0:
        raise ValueError(f"through has {len(moved)} finite points on one line; a plane needs more")
    directions = directions[:2]
    middle, side = _window(moved @ directions.T)
    return Plane("main directions of the paths", theta, directions, middle, side)


def random_plane(theta: Theta, side: float, *, generator: torch.Generator | None = None) -> Plane:
    """A plane through theta in two random directions, seen in a window of that side around it."""
    if not side > 0:
        raise ValueError(f"side is {side}; it must be above 0")
    start = flat(theta)
    drawn = torch.randn(len(start), 2, generator=generator).to(start)
    directions = torch.linalg.qr(drawn).Q.T
    return Plane("random directions", theta, directions, torch.zeros(2).to(start), side)


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
    resolution: int = 31,
    names: Sequence[str] | None = None,
    name: str | None = None,
) -> LandscapeTrace:
    """One task's loss at every point of a plane, and how each task of the batch moves in it.

    task: whose loss it is, an index into the batch. on: its "support" or its "query" set.
    names: what the tasks are called, "task 1", … unless said otherwise.
    name: what to call the learner; its class name unless said otherwise.
    """
    at_least(2, resolution=resolution)
    n_tasks = len(batch.support_x)
    if on not in ("support", "query"):
        raise ValueError(f"on is {on!r}; it must be 'support' or 'query'")
    if task not in range(n_tasks):
        raise ValueError(f"task is {task}; the batch has tasks 0 to {n_tasks - 1}")
    names = [f"task {i + 1}" for i in range(n_tasks)] if names is None else names
    if len(names) != n_tasks:
        raise ValueError(f"names has {len(names)} entries; the batch has {n_tasks} tasks")
    taken = paths(learner, theta, batch, inner_steps=inner_steps)
    one = batch.task(task)
    loss = _losses(learner, plane, one)
    ticks = plane.side * torch.linspace(-0.5, 0.5, resolution).to(plane.middle)
    xs, ys = (middle + ticks for middle in plane.middle)
    grid = torch.cartesian_prod(ys, xs).flip(1)  # rows of (x, y), y outermost
    height = loss[on](flat(plane.theta) + grid @ plane.directions).view(resolution, resolution)
    rate = learner.inner_lr
    return LandscapeTrace(
        learner=name or type(learner).__name__,
        inner_lr=float(rate) if isinstance(rate, int | float) else None,
        task=names[task],
        on=on,
        plane=plane.name,
        axis_x=_numpy(xs),
        axis_y=_numpy(ys),
        height=_numpy(height),
        paths=dict(zip(names, _numpy(plane.coordinates(taken)), strict=True)),
        share=plane.share(taken),
        support_loss=_numpy(loss["support"](taken[task])),
        query_loss=_numpy(loss["query"](taken[task])),
    )


def _losses(learner: Learner, plane: Plane, task: TaskBatch) -> dict:
    """The task's losses as functions of rows of flat parameters, (rows, parameters) -> (rows,)."""

    def support(parameters: Tensor) -> Tensor:
        return learner.loss_at(unflat(parameters, plane.theta), *task.support)

    def query(parameters: Tensor) -> Tensor:
        return learner.loss_at(unflat(parameters, plane.theta), *task.query, task.support_x)

    return {"support": vmap(support), "query": vmap(query)}


def _finite(rows: Tensor) -> Tensor:
    """The rows of (…, parameters) whose length is finite: (rows, parameters)."""
    rows = rows.reshape(-1, rows.shape[-1])
    return rows[rows.square().sum(1).isfinite()]


def _window(at: Tensor) -> tuple[Tensor, float]:
    """Middle and side of the square that holds coordinates (rows, 2), with some room."""
    low, high = at.min(0).values, at.max(0).values
    return (low + high) / 2, (1 + 2 * ROOM) * (high - low).max().item()


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float64).numpy()
