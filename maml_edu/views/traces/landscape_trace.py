"""A loss over a plane of parameters, and tasks that move in it."""

from __future__ import annotations

import torch
from torch.func import vmap

from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import TaskBatch
from maml_edu.views.scenes import LandscapeTrace
from maml_edu.views.traces.arrays import as_array
from maml_edu.views.traces.parameter_plane import Plane, flat, paths, unflat
from maml_edu.views.traces.rates import rate_label


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
    xs, ys = plane.ticks()
    grid = torch.cartesian_prod(ys, xs).flip(1)  # rows of (x, y), y outermost
    points = flat(plane.theta) + grid @ plane.directions
    height = vmap(losses[on])(points).view(len(ys), len(xs))
    in_plane = as_array(plane.coordinates(taken))
    return LandscapeTrace(
        learner=name or type(learner).__name__,
        rate=rate_label(learner, theta, inner_steps),
        task=f"task {task + 1}",
        on=on,
        plane=plane.name,
        axis_x=as_array(xs),
        axis_y=as_array(ys),
        height=as_array(height),
        paths={f"task {i + 1}": path for i, path in enumerate(in_plane)},
        explained_fraction=plane.explained_fraction(taken),
        **{f"{kind}_loss": as_array(vmap(loss)(taken[task])) for kind, loss in losses.items()},
    )
