"""Learners adapting to one regression task."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.tasks import SinusoidTasks, TaskBatch
from maml_edu.views.scenes import AdaptationTrace, ComparisonTrace
from maml_edu.views.traces import shared
from maml_edu.views.traces.shared import as_array


@torch.no_grad()
def adaptation(
    learner: Learner,
    theta: Theta,
    task: TaskBatch,
    *,
    tasks: SinusoidTasks | None = None,
    inner_steps: int = 10,
    points: int = 161,
    name: str | None = None,
) -> AdaptationTrace:
    """Watch a learner adapt to one regression task (a `TaskBatch.task`, so without a task axis).

    tasks: where the task came from, for its true curve (default: none is drawn).
    points: where the function is drawn, evenly over the range of x.
    name: what to call the learner (default: its class name).
    """
    source = tasks or SinusoidTasks()
    grid = torch.linspace(*source.x_range, points, device=task.support_x.device)
    inputs = source.inputs(task, grid) if source.reveal_task else grid[:, None]
    states = learner.adapt(theta, task.support, inner_steps=inner_steps)
    by_name = {key: torch.stack([state[key] for state in states]) for key in states[0]}
    path, explained = _main_path(torch.cat([p.flatten(1) for p in by_name.values()], 1))

    def seen(state: Theta) -> tuple[Tensor, Tensor, Tensor]:
        losses = [learner.loss_at(state, *part) for part in (task.support, task.query)]
        return learner.predict(state, inputs)[:, 0], *losses

    curves, support_loss, query_loss = map(as_array, vmap(seen)(by_name))
    return AdaptationTrace(
        learner=name or type(learner).__name__,
        rate=shared.rate_label(learner, theta, inner_steps),
        grid_x=as_array(grid),
        curves=curves,
        true_curve=as_array(tasks.truth(task, grid)) if tasks else None,
        support_x=as_array(task.support_x[:, 0]),
        support_y=as_array(task.support_y[:, 0]),
        query_x=as_array(task.query_x[:, 0]),
        query_y=as_array(task.query_y[:, 0]),
        support_loss=support_loss,
        query_loss=query_loss,
        path=path,
        explained_fraction=explained,
    )


def comparison(
    contestants: Mapping[str, tuple[Learner, Theta]], task: TaskBatch, **options
) -> ComparisonTrace:
    """Several learners, name -> (learner, theta), on the same task; options as for `adaptation`."""
    made = [adaptation(*one, task, name=name, **options) for name, one in contestants.items()]
    return ComparisonTrace(tuple(made))


def _main_path(parameters: Tensor) -> tuple[np.ndarray, float]:
    """The path of flat parameters (steps + 1, n) in the plane of its two main directions, from
    (0, 0) on: (steps + 1, 2), nan where not finite; and the fraction of its motion in that plane.
    """
    moved = (parameters - parameters[:1]).double()
    rows = shared.finite_rows(moved)
    directions = shared.main_directions(rows)
    path = torch.where(moved.isfinite().all(1, keepdim=True), moved @ directions.T, torch.nan)
    return as_array(path), shared.explained_fraction(rows, directions)
