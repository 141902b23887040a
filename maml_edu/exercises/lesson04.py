"""Checks of lesson 04: the schedule, the meta-step, the interval, the evaluation."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.func import grad, vmap

from maml_edu.exercises.common import FIRST_ORDER, Draws, with_faults
from maml_edu.exercises.difference import kind
from maml_edu.exercises.judge import Comparison, Fault
from maml_edu.exercises.solved import exercise
from maml_edu.foundation.types import Theta
from maml_edu.learners import MAML, Joint, Learner
from maml_edu.models import mlp
from maml_edu.tasks import SinusoidTasks, TaskBatch

__all__ = ["check_half_width", "check_honest_error", "check_meta_rate", "check_meta_step"]

TASKS = 4  # in a meta-batch
LEARNER = MAML(mlp(1, 6, 1), inner_lr=0.1)
MetaStep = Callable[[Learner, Theta, torch.optim.Optimizer, TaskBatch], Tensor]


@exercise("04.1", "the schedule")
def check_meta_rate() -> Comparison:
    """`attempt(step, steps, meta_lr)` -> the rate of the meta-step after `step` done ones."""

    def right(step, steps, meta_lr, half_turn=math.pi):
        return meta_lr * 0.5 * (1 + math.cos(half_turn * step / steps))

    mistakes = {
        "this is a full cosine; take pi, not 2 pi": partial(right, half_turn=2 * math.pi),
        "the sign is flipped: this rises from 0": lambda s, n, lr: lr - right(s, n, lr),
        "this goes below 0; lift the cosine by 1": lambda s, n, lr: lr * math.cos(math.pi * s / n),
        "this starts at twice meta_lr: 1/2 is missing": lambda s, n, lr: right(s, n, 2 * lr),
        "math.cos takes radians, not degrees: 180 degrees are pi": partial(right, half_turn=180),
        "off by one: the first step has step 0": lambda s, n, lr: right(s + 1, n, lr),
        "off by one: divide by steps, not by steps - 1": lambda s, n, lr: right(s, n - 1, lr),
        "this is a straight line, not a cosine": lambda s, n, lr: lr * (1 - s / n),
    }
    problems = [(1, 10, 1.0), (3, 8, 0.01), (5, 6, 0.5), (750, 1000, 3e-3), (0, 7, 0.2)]
    return Comparison(right, mistakes, problems, "right: full speed at first, a soft landing at 0")


@exercise("04.2", "one meta-step")
def check_meta_step() -> tuple[Comparison, Comparison]:
    """`attempt(learner, theta, optimiser, batch)` moves theta once and returns the meta-loss."""
    problems = [(*_theta_and_sines(seed, TASKS, TASKS, TASKS),) for seed in range(3)]
    praise = "right: mean over tasks, one step downhill, and the optimiser keeps its memory"
    both = {"problems": problems, "praise": praise, "changes": (1, 2)}
    other_loss = {
        "theta moves right, but the loss you return is summed": lambda *p: TASKS * _meta_step(*p),
        "theta moves right, but the loss you return is that after the step": _afterwards,
    }
    return (
        Comparison(_meta_step, _step_mistakes(), probe=partial(_walk, part=0), **both),
        Comparison(_meta_step, other_loss, probe=partial(_walk, part=1), **both),
    )


def _mean_loss(learner: Learner, theta: Theta, batch: TaskBatch) -> Tensor:
    return vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()


def _meta_step(learner, theta, optimiser, batch, factor=1.0, pile_up=False, other=None) -> Tensor:
    """A right meta-step by default. factor: of the gradient; other: whose gradient it is."""
    start = {name: p.detach() for name, p in theta.items()}
    loss = _mean_loss(learner, start, batch)
    grads = grad(lambda t: _mean_loss(other or learner, t, batch))(start)
    for name, p in theta.items():
        before = p.grad if pile_up and p.grad is not None else 0
        p.grad = factor * grads[name] + before
    optimiser.step()
    return loss


def _forgetful(learner, theta, optimiser, batch) -> Tensor:
    optimiser.state.clear()
    return _meta_step(learner, theta, optimiser, batch)


def _afterwards(learner, theta, optimiser, batch) -> Tensor:
    _meta_step(learner, theta, optimiser, batch)
    return _mean_loss(learner, {name: p.detach() for name, p in theta.items()}, batch)


def _step_mistakes() -> dict[str, MetaStep]:
    model = LEARNER.model
    first_order = MAML(model, inner_lr=LEARNER.inner_lr, first_order=True)
    return {
        "theta did not move: call step()": lambda net, t, _, batch: _mean_loss(net, t, batch),
        "the sign is flipped: this climbs the meta-loss": partial(_meta_step, factor=-1.0),
        "the gradients are summed over the tasks; take the mean": partial(_meta_step, factor=TASKS),
        "the optimiser's memory is lost; keep the optimiser that is passed in": _forgetful,
        "gradients pile up in p.grad: zero_grad() first": partial(_meta_step, pile_up=True),
        FIRST_ORDER: partial(_meta_step, other=first_order),
        "this is joint training, without an inner loop": partial(_meta_step, other=Joint(model)),
        "adapt to the support set first": partial(_meta_step, other=MAML(model, inner_steps=0)),
    }


def _walk(step: MetaStep, part: int) -> Callable:
    """A probe that takes a few steps with one optimiser: part 0, the states of theta; part 1, the
    losses returned."""

    def walked(theta: Theta, *batches: TaskBatch) -> list:
        theta = {name: p.clone().requires_grad_() for name, p in theta.items()}
        # Plain Adam would hide a wrong scale, since it divides by the gradient's size.
        optimiser = torch.optim.SGD(theta.values(), lr=0.02, momentum=0.9)
        found = []
        for batch in batches:
            loss = step(LEARNER, theta, optimiser, batch)
            if not all(isinstance(p, Tensor) for p in theta.values()):
                raise Fault(f"it put something else than tensors into theta: {kind(theta)}")
            states = {name: p.detach().clone() for name, p in theta.items()}
            found.append((states, loss)[part])
        return found

    return walked


def _theta_and_sines(seed: int, *sizes: int) -> Iterator[Theta | TaskBatch]:
    """theta, and batches of so many sine tasks without `info`, in float64."""
    generator = torch.Generator().manual_seed(seed)
    yield LEARNER.model.init(generator=generator, dtype=torch.float64)
    for n_tasks in sizes:
        batch = SinusoidTasks().sample(n_tasks, shots=3, queries=4, generator=generator)
        yield TaskBatch(*(part.double() for part in batch[:4]))


@exercise("04.3", "the 95% interval")
def check_half_width() -> Comparison:
    """`attempt(losses)`, (tasks, inner_steps + 1), -> the 95% half-widths, (inner_steps + 1,)."""

    def right(losses, n=None, dim=0, correction=1):
        return 1.96 * losses.std(dim, correction=correction) / math.sqrt(n or losses.shape[dim])

    mistakes = {
        "this is how tasks spread: divide by the square root of their number": partial(right, n=1),
        "this is the variance; take its square root": lambda v: 1.96 * v.var(0) / len(v) ** 0.5,
        "this is taken over the inner steps; take it over the tasks, dim 0": partial(right, dim=1),
        "this counts the inner steps; n is the number of tasks": lambda v: right(v, n=v.shape[1]),
        "a task's steps are not independent: count tasks": lambda v: right(v, n=v.numel()),
        "one standard error holds the mean 68 times in 100; take 1.96": lambda v: right(v) / 1.96,
        "divide by the square root of the number of tasks": lambda v: right(v, n=len(v) ** 2),
        "this is the whole width; give half of it": lambda v: 2 * right(v),
        "nearly: the variance divides by n - 1, not by n": partial(right, correction=0),
    }
    draws = Draws(0)
    problems = [(draws.uniform(*shape).pow(3) * 5,) for shape in ((40, 6), (200, 11), (7, 3))]
    return Comparison(right, mistakes, problems, "right: the standard error over tasks, times 1.96")


LEAKS = {
    "seen": "the tasks are the ones that theta was trained on; use the fresh ones",
    "on_support": "the error is taken on the support points, which adapting has just fitted",
    "to_query": "it adapts to the query points, which are there to judge it",
    "best": "the best step of each task is picked by looking at the answer; take the last step",
}


@exercise("04.4", "find the leaks")
def check_honest_error() -> Comparison:
    """`attempt(learner, theta, trained_on, fresh)` -> the query loss after 10 steps, (tasks,)."""
    mistakes = {
        **with_faults(LEAKS, _error_with),
        "the error is taken at theta: adapt first, 10 steps": _error_with(steps=0),
        "this takes the learner's own inner_steps (1); take 10": _error_with(steps=None),
    }
    gentle = MAML(LEARNER.model, inner_lr=0.01)  # ten steps must not run away
    problems = [(gentle, *_theta_and_sines(seed, 5, 5)) for seed in range(2)]
    return Comparison(_error_with(), mistakes, problems, "right: fresh tasks, judged on the query")


def _error_with(*leaks: str, steps: int | None = 10) -> Callable:
    """Error per task after adapting, honest but for these leaks."""

    def error(learner: Learner, theta: Theta, trained_on: TaskBatch, fresh: TaskBatch) -> Tensor:
        def one_task(task: TaskBatch) -> Tensor:
            fitted = task.query if "to_query" in leaks else task.support
            judges = task.support if "on_support" in leaks else task.query
            states = learner.adapt(theta, fitted, inner_steps=steps)
            losses = torch.stack([learner.loss_at(state, *judges) for state in states])
            return losses.min() if "best" in leaks else losses[-1]

        return vmap(one_task)(trained_on if "seen" in leaks else fresh)

    return error
