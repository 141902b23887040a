"""The one door from torch to NumPy: run a learner, and write down what there is to see.

Every function here runs the real network through the learner's own `adapt`, and returns one of the
frozen records of `maml_edu.views.scenes.records`, which `plots` and `widgets` draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
import torch._dynamo  # the first gradient would load it, for a second, amid a picture
from torch import Tensor
from torch.func import vmap

from maml_edu.evaluate import accuracy
from maml_edu.foundation.types import Theta
from maml_edu.learners import Learner
from maml_edu.outer import TrainState
from maml_edu.tasks import SinusoidTasks, TaskBatch
from maml_edu.views.scenes.records import (
    AdaptationTrace,
    Classification,
    ComparisonTrace,
    PlaneTrace,
    TrainingTrace,
)

__all__ = [
    "AdaptationTrace",
    "Classification",
    "ComparisonTrace",
    "PlaneTrace",
    "TrainingTrace",
    "adaptation",
    "classification",
    "comparison",
    "plane",
    "training",
]


def _numpy(tensor: Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float64).numpy()


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

    tasks: where the task came from, for its true curve; left out, no true curve is drawn.
    name: what to call the learner; its class name unless said otherwise.
    """
    source = tasks or SinusoidTasks()
    grid = torch.linspace(*source.x_range, points, device=task.support_x.device)
    inputs = source.inputs(task, grid) if source.reveal_task else grid[:, None]
    states = _stack(learner.adapt(theta, task.support, inner_steps=inner_steps))
    path, share = _plane_of(torch.cat([p.flatten(1) for p in states.values()], 1))

    def seen(state: Theta) -> tuple[Tensor, Tensor, Tensor]:
        losses = [learner.loss_at(state, *points) for points in (task.support, task.query)]
        return learner.predict(state, inputs)[:, 0], *losses

    curves, support_loss, query_loss = vmap(seen)(states)
    rate = learner.inner_lr
    return AdaptationTrace(
        learner=name or type(learner).__name__,
        inner_lr=float(rate) if isinstance(rate, int | float) else None,
        grid_x=_numpy(grid),
        curves=_numpy(curves),
        true_curve=_numpy(tasks.truth(task, grid)) if tasks else None,
        support_x=_numpy(task.support_x[:, 0]),
        support_y=_numpy(task.support_y[:, 0]),
        query_x=_numpy(task.query_x[:, 0]),
        query_y=_numpy(task.query_y[:, 0]),
        support_loss=_numpy(support_loss),
        query_loss=_numpy(query_loss),
        path=path,
        explained_fraction=share,
    )


@torch.no_grad()
def classification(
    learner: Learner,
    theta: Theta,
    task: TaskBatch,
    *,
    inner_steps: int = 3,
    names: Sequence[str] | None = None,
    name: str | None = None,
) -> Classification:
    """Watch a learner adapt to one N-way task of drawings (a `TaskBatch.task`).

    names: what the labels are called, A, B, C, … unless said otherwise; at least one a class.
    name: what to call the learner; its class name unless said otherwise.
    """
    states = learner.adapt(theta, task.support, inner_steps=inner_steps)
    outputs = torch.stack([learner.predict(s, task.query_x, task.support_x) for s in states])
    way = outputs.shape[-1]
    names = [label_name(label) for label in range(way)] if names is None else names
    if len(names) < way:
        raise ValueError(f"names has {len(names)} entries; the learner tells {way} classes apart")
    rate = learner.inner_lr
    learned = getattr(learner, "learned_rates", False) or not isinstance(rate, int | float)
    return Classification(
        learner=name or type(learner).__name__,
        inner_lr=None if learned else float(rate),
        protocol=learner.protocol,
        names=tuple(names[:way]),
        support_images=_numpy(task.support_x.flatten(0, -3)),
        support_labels=task.support_y.cpu().numpy(),
        query_images=_numpy(task.query_x.flatten(0, -3)),
        query_labels=task.query_y.cpu().numpy(),
        probabilities=_numpy(outputs.softmax(-1)),
        support_loss=_numpy(torch.stack([learner.loss_at(s, *task.support) for s in states])),
        query_loss=_numpy(torch.stack([learner.loss(out, task.query_y) for out in outputs])),
        accuracy=_numpy(torch.stack([accuracy(out, task.query_y) for out in outputs])),
    )


def label_name(label: int) -> str:
    """A, B, …, Z, AA, AB, …: what a task's label 0, 1, … is called."""
    rest, letter = divmod(label, 26)
    return (label_name(rest - 1) if rest else "") + chr(ord("A") + letter)


def comparison(
    contestants: Mapping[str, tuple[Learner, Theta]], task: TaskBatch, **options
) -> ComparisonTrace:
    """Several learners, name -> (learner, theta), on the same task; options as for `adaptation`."""
    return ComparisonTrace(
        tuple(
            adaptation(learner, theta, task, name=name, **options)
            for name, (learner, theta) in contestants.items()
        )
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
    """An objective over two parameters, (2,) -> a scalar, on a grid, with arrows from theta.

    arrows, points: name -> (2,); paths: name -> (steps + 1, 2); labels: `x_label`, `y_label`,
    `title`.
    """
    xs = torch.linspace(*x_range, resolution, dtype=theta.dtype)
    ys = torch.linspace(*y_range, resolution, dtype=theta.dtype)
    grid = torch.cartesian_prod(ys, xs).flip(1)  # rows of (x, y), y outermost
    height = vmap(objective)(grid).reshape(resolution, resolution)
    as_arrays = [
        {name: _numpy(value) for name, value in (group or {}).items()}
        for group in (arrows, paths, points)
    ]
    return PlaneTrace(_numpy(xs), _numpy(ys), _numpy(height), _numpy(theta), *as_arrays, **labels)


def training(
    learner_name: str, states: Iterable[TrainState], *, measure: str = "MSE"
) -> TrainingTrace:
    """The learning curve of the states that `meta_train` yielded (the first has no loss).

    measure: what the learner's loss is, for the label of its axis.
    """
    seen = [(state.step, state.meta_loss) for state in states if state.step > 0]
    steps, losses = zip(*seen, strict=True) if seen else ((), ())
    return TrainingTrace(
        learner_name, np.array(steps, int), np.array(losses, float), measure=measure
    )


def _stack(states: list[Theta]) -> Theta:
    """A list of dicts as one dict, with the steps along a new first axis."""
    return {name: torch.stack([state[name] for state in states]) for name in states[0]}


def _plane_of(parameters: Tensor) -> tuple[np.ndarray, float]:
    """The path of flat parameters (steps + 1, n) in the plane of its two main directions, from
    (0, 0) on, and the share of its squared length in that plane. Steps after a divergence are nan.
    """
    moved = _numpy(parameters - parameters[:1])
    path = np.full((len(moved), 2), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite((moved**2).sum(1))
    moved = moved[finite]
    _, lengths, directions = np.linalg.svd(moved, full_matrices=False)
    coordinates = moved @ directions[:2].T
    path[finite] = np.pad(coordinates, ((0, 0), (0, 2 - coordinates.shape[1])))
    total = (lengths**2).sum()
    share = float((lengths[:2] ** 2).sum() / total) if total > 0 else 1.0
    return path, share
