"""Checks of lesson 04: the schedule, the meta-step, the interval, the evaluation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import torch
from torch import Tensor
from torch.func import grad, vmap

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.foundation.types import Theta
from maml_edu.learners import MAML, Joint, Learner
from maml_edu.models import mlp
from maml_edu.tasks import SinusoidTasks, TaskBatch

__all__ = ["check_half_width", "check_honest_error", "check_meta_rate", "check_meta_step"]


# The schedule ------------------------------------------------------------------------------------


def _half_cosine(step: int, steps: int, meta_lr: float) -> float:
    return meta_lr * 0.5 * (1 + math.cos(math.pi * step / steps))


RATE_MISTAKES: dict[str, Callable[[int, int, float], float]] = {
    "this is a full cosine: it falls to 0 half-way and rises again; a half cosine has pi, not "
    "2 pi": lambda s, n, lr: lr * 0.5 * (1 + math.cos(2 * math.pi * s / n)),
    "this rises: it begins at 0 and ends at meta_lr; the sign before the cosine is flipped": (
        lambda s, n, lr: lr * 0.5 * (1 - math.cos(math.pi * s / n))
    ),
    "this goes below 0 after half of the steps, and then climbs the meta-loss; lift the cosine "
    "by 1 and halve it": lambda s, n, lr: lr * math.cos(math.pi * s / n),
    "this starts at twice meta_lr: the factor 1/2 is missing": (
        lambda s, n, lr: lr * (1 + math.cos(math.pi * s / n))
    ),
    "the angle is in degrees, but math.cos takes radians: 180 degrees are pi": (
        lambda s, n, lr: lr * 0.5 * (1 + math.cos(180 * s / n))
    ),
    "off by one: step counts the steps already done, so the first one has step 0 and the full "
    "meta_lr": lambda s, n, lr: _half_cosine(s + 1, n, lr),
    "off by one: divide by steps, not by steps - 1": lambda s, n, lr: _half_cosine(s, n - 1, lr),
    "this is a quarter of a cosine: it ends steeply, at its fastest fall": (
        lambda s, n, lr: lr * math.cos(0.5 * math.pi * s / n)
    ),
    "this is a straight line, not a cosine": lambda s, n, lr: lr * (1 - s / n),
    "this is upside down: step and steps have changed places": (
        lambda s, n, lr: lr * 0.5 * (1 + math.cos(math.pi * n / max(s, 1)))
    ),
}


def check_meta_rate(attempt: Callable[[int, int, float], float]) -> Verdict:
    """`attempt(step, steps, meta_lr)` -> the rate of the meta-step after `step` done ones."""
    problems = [(1, 10, 1.0), (3, 8, 0.01), (5, 6, 0.5), (750, 1000, 3e-3), (0, 7, 0.2)]
    return judge(
        attempt,
        _half_cosine,
        RATE_MISTAKES,
        problems,
        praise="right: full speed at first, half of it half-way, and a soft landing at 0",
    )


# The meta-step -----------------------------------------------------------------------------------

LEARNER = MAML(mlp(1, 6, 1), inner_lr=0.1)
MetaStep = Callable[[Learner, Theta, torch.optim.Optimizer, TaskBatch], Tensor]


def _mean_loss(learner: Learner, theta: Theta, batch: TaskBatch) -> Tensor:
    return vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()


def _step_with(
    *, sign: float = 1.0, scale: bool = False, other: Learner | None = None, forget: bool = False,
    pile_up: bool = False, move: bool = True,
) -> MetaStep:  # fmt: skip
    """A meta-step, right unless one of its mistakes is asked for."""

    def step(learner, theta, optimiser, batch):
        start = {name: p.detach() for name, p in theta.items()}
        loss = _mean_loss(learner, start, batch)
        grads = grad(lambda t: _mean_loss(other or learner, t, batch))(start)
        factor = sign * (len(batch.support_x) if scale else 1)
        for name, p in theta.items():
            before = p.grad if pile_up and p.grad is not None else 0
            p.grad = factor * grads[name] + before
        if forget:
            optimiser.state.clear()
        if move:
            optimiser.step()
        return loss

    return step


STEP_MISTAKES: dict[str, MetaStep] = {
    "theta did not move: optimiser.step() is missing": _step_with(move=False),
    "the sign is flipped: this climbs the meta-loss": _step_with(sign=-1.0),
    "the gradients are summed over the tasks; the mean was asked for, so that the step does not "
    "grow with the meta-batch": _step_with(scale=True),
    "the optimiser's memory is lost: each step is taken as if it were the first; use the optimiser "
    "that is passed in, and keep it": _step_with(forget=True),
    "the gradients of earlier steps are still there: they pile up in p.grad; overwrite them, or "
    "call optimiser.zero_grad() first": _step_with(pile_up=True),
    "this is the first-order gradient: the graph of the inner step was cut": _step_with(
        other=MAML(LEARNER.model, inner_lr=LEARNER.inner_lr, first_order=True)
    ),
    "there is no inner loop in it: this minimises the loss at theta, which is joint training": (
        _step_with(other=Joint(LEARNER.model))
    ),
    "the gradient is taken at theta, on the query set: adapt to the support set first": _step_with(
        other=MAML(LEARNER.model, inner_steps=0)
    ),
}


def _summed(learner, theta, optimiser, batch):
    return _step_with()(learner, theta, optimiser, batch) * len(batch.support_x)


def _afterwards(learner, theta, optimiser, batch):
    _step_with()(learner, theta, optimiser, batch)
    return _mean_loss(learner, {name: p.detach() for name, p in theta.items()}, batch)


LOSS_MISTAKES: dict[str, MetaStep] = {
    "theta moves as it should, but the loss you return is summed over the tasks": _summed,
    "theta moves as it should, but the loss you return is the one after the step": _afterwards,
}


def _walk(step: MetaStep, theta: Theta, batches: list[TaskBatch]) -> tuple | None:
    """Take a few steps with one optimiser: the states of theta, and the losses returned."""
    theta = {name: p.clone().requires_grad_() for name, p in theta.items()}
    # Plain Adam would hide a wrong scale, since it divides by the gradient's size.
    optimiser = torch.optim.SGD(theta.values(), lr=0.02, momentum=0.9)
    states, losses = [], []
    for batch in batches:
        loss = step(LEARNER, theta, optimiser, batch)
        if loss is None or loss is ...:
            return None
        states.append({name: p.detach().clone() for name, p in theta.items()})
        losses.append(loss)
    return states, losses


def check_meta_step(attempt: MetaStep) -> Verdict:
    """`attempt(learner, theta, optimiser, batch)` moves theta once and returns the meta-loss."""
    problems = [_step_problem(seed) for seed in range(3)]
    praise = "right: mean over tasks, one step downhill, and the optimiser keeps its memory"
    verdict = _judge_walks(attempt, STEP_MISTAKES, problems, 0, praise)
    return verdict and _judge_walks(attempt, LOSS_MISTAKES, problems, 1, praise)


def _judge_walks(
    attempt: MetaStep, mistakes: dict[str, MetaStep], problems: list, part: int, praise: str
) -> Verdict:
    """Judge one part of what `_walk` gives: 0, where theta went; 1, the losses returned."""

    def posed(step: MetaStep) -> Callable:
        def walked(theta: Theta, batches: list[TaskBatch]) -> list | None:
            walk = _walk(step, theta, batches)
            return None if walk is None else walk[part]

        return walked

    posed_mistakes = {message: posed(step) for message, step in mistakes.items()}
    return judge(posed(attempt), posed(_step_with()), posed_mistakes, problems, praise=praise)


def _step_problem(seed: int) -> tuple[Theta, list[TaskBatch]]:
    generator = torch.Generator().manual_seed(seed)
    theta = LEARNER.model.init(generator=generator, dtype=torch.float64)
    return theta, [_sines(4, generator) for _ in range(3)]


def _sines(n_tasks: int, generator: torch.Generator) -> TaskBatch:
    """Tasks in float64, without what made them."""
    batch = SinusoidTasks().sample(n_tasks, shots=3, queries=4, generator=generator)
    return TaskBatch(*(part.double() for part in batch[:4]))


# The interval ------------------------------------------------------------------------------------


def _half_width(losses: Tensor) -> Tensor:
    return 1.96 * losses.std(0) / math.sqrt(len(losses))


WIDTH_MISTAKES: dict[str, Callable[[Tensor], Tensor]] = {
    "this says how far single tasks lie apart, not how well their mean is known: divide by the "
    "square root of the number of tasks": lambda v: 1.96 * v.std(0),
    "this is the variance where the standard deviation (its square root) was asked for": (
        lambda v: 1.96 * v.var(0) / math.sqrt(len(v))
    ),
    "this is the variance over n, without its square root": lambda v: 1.96 * v.var(0) / len(v),
    "this is taken over the inner steps; the tasks are what was drawn at random, so take it over "
    "the tasks, dim 0": lambda v: 1.96 * v.std(1) / math.sqrt(v.shape[1]),
    "this counts the inner steps where the tasks should be counted: n is len(losses)": (
        lambda v: 1.96 * v.std(0) / math.sqrt(v.shape[1])
    ),
    "this counts every number as if it were a task; a task's inner steps are not independent": (
        lambda v: 1.96 * v.std(0) / math.sqrt(v.numel())
    ),
    "this is one standard error, which holds the true mean only 68 times in 100; 95 takes 1.96 of "
    "them": lambda v: v.std(0) / math.sqrt(len(v)),
    "divide by the square root of the number of tasks, not by the number itself": (
        lambda v: 1.96 * v.std(0) / len(v)
    ),
    "this is the whole width of the interval; its half was asked for": (
        lambda v: 2 * 1.96 * v.std(0) / math.sqrt(len(v))
    ),
    "nearly: the deviations are from the sample's own mean, so their squares are divided by n - 1 "
    "(torch's default), not by n": (
        lambda v: 1.96 * v.std(0, correction=0) / math.sqrt(len(v))
    ),
    "nearly: the n - 1 is already in the standard deviation; under the square root stands n": (
        lambda v: 1.96 * v.std(0) / math.sqrt(len(v) - 1)
    ),
}  # fmt: skip


def check_half_width(attempt: Callable[[Tensor], Tensor]) -> Verdict:
    """`attempt(losses)`, (tasks, inner_steps + 1), -> the 95% half-widths, (inner_steps + 1,)."""
    generator = torch.Generator().manual_seed(0)
    problems = [
        (torch.rand(*shape, generator=generator, dtype=torch.float64).pow(3) * 5,)
        for shape in ((40, 6), (200, 11), (7, 3))
    ]
    return judge(
        attempt,
        _half_width,
        WIDTH_MISTAKES,
        problems,
        praise="right: 1.96 times the spread over tasks, divided by the root of their number",
    )


# The evaluation ----------------------------------------------------------------------------------


def _error_with(
    *, seen: bool = False, on_support: bool = False, best: bool = False, to_query: bool = False,
    steps: int | None = 10,
) -> Callable:  # fmt: skip
    """Error per task after adapting, honest unless a leak is asked for."""

    def error(learner: Learner, theta: Theta, trained_on: TaskBatch, fresh: TaskBatch) -> Tensor:
        def one_task(task: TaskBatch) -> Tensor:
            states = learner.adapt(theta, task.query if to_query else task.support,
                                   inner_steps=steps)  # fmt: skip
            judged_on = task.support if on_support else task.query
            losses = torch.stack([learner.loss_at(state, *judged_on) for state in states])
            return losses.min() if best else losses[-1]

        return vmap(one_task)(trained_on if seen else fresh)

    return error


GENTLE = MAML(LEARNER.model, inner_lr=0.01)  # ten steps must not run away

LEAKS = {
    "seen": "the tasks are the ones that theta was trained on; use the fresh ones",
    "on_support": "the error is taken on the support points, which adapting has just fitted",
    "best": "the best inner step is picked for each task by looking at the answer; fix the number "
    "of steps beforehand and take the last",
    "to_query": "it adapts to the query points, which are there to judge it",
}


def _leaky() -> Iterator[tuple[str, Callable]]:
    """Every combination of leaks, with what to say of it."""
    for flags in product((False, True), repeat=len(LEAKS)):
        leaks = {name: on for name, on in zip(LEAKS, flags, strict=True) if on}
        fitted = "on_support" in leaks or "to_query" in leaks
        if leaks and not (fitted and "best" in leaks):  # what is fitted is best at the last step
            yield "it leaks: " + "; and ".join(LEAKS[n] for n in leaks), _error_with(**leaks)


def check_honest_error(attempt: Callable) -> Verdict:
    """`attempt(learner, theta, trained_on, fresh)` -> the query loss after 10 steps, (tasks,)."""
    mistakes = dict(_leaky())
    mistakes["the error is taken at theta: adapt first, 10 steps"] = _error_with(steps=0)
    mistakes["this takes the learner's own number of inner steps (1); 10 were asked for"] = (
        _error_with(steps=None)
    )
    problems = []
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        theta = LEARNER.model.init(generator=generator, dtype=torch.float64)
        problems.append((theta, *(_sines(5, generator) for _ in range(2))))

    def posed(function: Callable) -> Callable:
        return lambda theta, trained_on, fresh: function(GENTLE, theta, trained_on, fresh)

    return judge(
        posed(attempt),
        posed(_error_with()),
        {message: posed(function) for message, function in mistakes.items()},
        problems,
        praise="right: fresh tasks, adapted on support, judged on query, at a step fixed before",
    )
