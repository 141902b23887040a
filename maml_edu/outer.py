"""The outer loop: move theta so that adapting from it works better, on average over tasks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.utils._pytree import tree_flatten, tree_unflatten
from tqdm.auto import tqdm

from maml_edu.foundation.capture import capture as record
from maml_edu.foundation.checks import at_least
from maml_edu.foundation.types import Gradient, Theta
from maml_edu.foundation.workers import ALONE, Workers
from maml_edu.learners import Learner
from maml_edu.learners.maml import is_rate
from maml_edu.tasks import TaskBatch, TaskSource


def meta_loss(
    learner: Learner, theta: Theta, batch: TaskBatch, *, chunk_size: int | None = None
) -> Tensor:
    """The mean over a batch of tasks of what the learner minimises: a scalar.

    `vmap` runs `learner.task_loss`, which is written for one task, on all tasks side by side. (A
    single task needs none, and PyTorch's kernels are faster without.)
    chunk_size: at most so many at a time, where memory is short; the result is the same.
    """
    if len(batch.query_y) == 1:
        return learner.task_loss(theta, batch.task(0))
    task_losses = vmap(learner.task_loss, in_dims=(None, 0), chunk_size=chunk_size)(theta, batch)
    return task_losses.mean()


def meta_gradient(
    learner: Learner, theta: Theta, batch: TaskBatch, *, chunk_size: int | None = None
) -> tuple[Theta, Tensor]:
    """The gradient of `meta_loss` with respect to theta, name -> tensor, and the loss itself.

    chunk_size: differentiate at most so many tasks at a time, and let go of their graph before the
        next are begun: memory grows with the chunk, not with the batch. The result is the same.
    """

    def gradient(theta: Theta, chunk: TaskBatch) -> tuple[Theta, Tensor]:
        return grad_and_value(lambda t: meta_loss(learner, t, chunk))(theta)

    return in_chunks(gradient, chunk_size)(theta, batch)


def in_chunks(gradient: Gradient, chunk_size: int | None) -> Gradient:
    """`gradient`, taken of a few tasks at a time: the mean over all."""
    if chunk_size is None:
        return gradient

    def of_all(theta: Theta, batch: TaskBatch) -> tuple[Theta, Tensor]:
        n_tasks = len(batch.query_y)
        n_chunks = math.ceil(n_tasks / chunk_size)
        leaves, structure = tree_flatten(batch)
        pieces = zip(*(leaf.split(math.ceil(n_tasks / n_chunks)) for leaf in leaves), strict=True)
        sums, total = {}, 0.0
        for piece in pieces:
            chunk = tree_unflatten(list(piece), structure)
            weight = len(chunk.query_y) / n_tasks
            grads, loss = gradient(theta, chunk)
            sums = {name: sums.get(name, 0.0) + weight * g for name, g in grads.items()}
            total = total + weight * loss
        return sums, total

    return of_all


def recorded(gradient: Gradient, compiled: bool = False) -> Gradient:
    """`gradient`, recorded (see `replay.record`) when it first meets so many tasks, and replayed
    from then on."""
    by_size: dict[int, Gradient] = {}

    def replay(theta: Theta, batch: TaskBatch) -> tuple[Theta, Tensor]:
        n_tasks = len(batch.query_y)
        if n_tasks not in by_size:
            by_size[n_tasks] = record(gradient, theta, batch, compiled=compiled)
        return by_size[n_tasks](theta, batch)

    return replay


def meta_step(
    gradient: Gradient,
    optimiser: torch.optim.Optimizer,
    theta: Theta,
    batch: TaskBatch,
) -> Tensor:
    """One step of the outer loop; returns the meta-loss before it.

    theta is the one dict here that is changed in place, because that is how `torch.optim` works:
    its tensors are the ones the optimiser was made with. `gradient` is as `meta_gradient` gives it.
    """
    grads, loss = gradient({name: p.detach() for name, p in theta.items()}, batch)
    for name, p in theta.items():
        p.grad = grads[name]
    optimiser.step()
    return loss


@dataclass(frozen=True)
class TrainState:
    """All that a run needs to go on from here, bit for bit, as if it had never stopped."""

    step: int  # meta-steps done
    theta: Theta
    moments: dict[str, dict[str, Tensor]]  # Adam's own state, by parameter
    generator: Tensor  # the state of the generator that tasks are drawn with
    meta_loss: float  # mean since the state before; nan before the first step


class Diverged(ArithmeticError):
    """The meta-loss is no longer a finite number; the state yielded before is the last good one."""


SCHEDULES = ("cosine", "constant")


def rate_at(
    step: int, steps: int, *, meta_lr: float, warmup: float = 0.05, schedule: str = "cosine"
) -> float:
    """Adam's rate at one of `steps` steps: a half cosine from meta_lr down to 0, or "constant";
    reached by a straight rise over the first share `warmup` of the steps.

    Without the rise, some seeds never recover from Adam's first, barely informed steps.
    """
    rise = min(1.0, (step + 1) / (warmup * steps)) if warmup * steps >= 1 else 1.0
    fall = 0.5 * (1 + math.cos(math.pi * step / steps)) if schedule == "cosine" else 1.0
    return meta_lr * rise * fall


def meta_train(
    learner: Learner,
    tasks: TaskSource,
    *,
    steps: int,
    meta_batch: int = 25,
    shots: int = 10,
    queries: int = 10,
    meta_lr: float = 1e-3,
    rates_lr: float | None = None,
    warmup: float = 0.05,
    schedule: str = "cosine",
    seed: int = 0,
    state: TrainState | None = None,
    every: int = 100,
    device: torch.device | str | None = None,
    chunk_size: int | None = None,
    replay: bool = True,
    compiled: bool = False,
    progress: bool = False,
    workers: Workers = ALONE,
) -> Iterator[TrainState]:
    """Meta-train with Adam, its rate as `rate_at` says: up to meta_lr, then by the schedule.

    A generator: it yields the state at the start, after every `every` steps, and at the end, and
    runs only as far as it is asked to. Hand a yielded state back as `state` to go on from it; with
    the other arguments unchanged, the result has the same bits as an uninterrupted run.

    rates_lr: in place of meta_lr for learned inner rates (see `learners.MAML`). They are few and
        held as logarithms, so they bear steps, and need them, tens of times larger.
    replay: record the meta-gradient once and replay it (see `foundation.capture`); it gives the same
        numbers sooner. With `compiled`, PyTorch's compiler has what was recorded first: half a
        minute or more for a run of an hour that then takes half of it, or with large convolutions
        hardly less. A progress bar is shown where `progress`.
    workers: who share each meta-batch and run this together (see `foundation.workers`); they
        come to what one alone does, but for the order of additions.
    Raises Diverged when the meta-loss is no longer finite, and replay.NoCompiler.
    """
    at_least(0, steps=steps)
    at_least(1, meta_batch=meta_batch, shots=shots, queries=queries, every=every)
    rates_lr = meta_lr if rates_lr is None else rates_lr
    for name, value in (("meta_lr", meta_lr), ("rates_lr", rates_lr)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value!r}; it must be a finite number above 0")
    if not 0 <= warmup <= 1:
        raise ValueError(f"warmup is {warmup!r}; it must be a share of the steps, 0 to 1")
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule is {schedule!r}; it must be one of {', '.join(SCHEDULES)}")
    if compiled and not replay:
        raise ValueError("compiled is True; what is compiled is a recording, so replay must be too")
    workers.check(meta_batch)
    generator = torch.Generator().manual_seed(seed)
    if state is None:
        theta = learner.init(generator=generator, device=device)
        state = TrainState(0, theta, {}, generator.get_state(), math.nan)
        yield state
    generator.set_state(state.generator)
    theta = {name: p.clone().to(device).requires_grad_() for name, p in state.theta.items()}
    adam = _adam(theta, state.moments, meta_lr, rates_lr)

    sizes = {"shots": shots, "queries": queries, "device": device}
    trainee = None

    losses: list[Tensor] = []
    bar = tqdm(total=steps, initial=state.step, unit="step", disable=not progress, leave=False)
    with bar:
        for step in range(state.step, steps):
            for group in adam.param_groups:
                group["lr"] = rate_at(
                    step, steps, meta_lr=group["highest"], warmup=warmup, schedule=schedule
                )
            batch = workers.share(tasks.sample(meta_batch, generator=generator, **sizes))
            if learner.at(step / steps) != trainee:
                trainee = learner.at(step / steps)
                gradient = partial(meta_gradient, trainee)
                gradient = in_chunks(
                    recorded(gradient, compiled) if replay else gradient, chunk_size
                )
                gradient = workers.mean(gradient, meta_batch)
            losses.append(meta_step(gradient, adam, theta, batch))
            done = step + 1
            if done % every == 0 or done == steps:
                mean_loss = torch.stack(losses).mean().item()
                if not math.isfinite(mean_loss):
                    raise Diverged(
                        f"the meta-loss is {mean_loss} over steps {done - len(losses)} to {done}; "
                        f"try a smaller meta_lr than {meta_lr:g} or a smaller inner_lr"
                    )
                bar.update(len(losses))
                bar.set_postfix(meta_loss=f"{mean_loss:.3f}")
                losses.clear()
                yield _snapshot(done, theta, adam, generator, mean_loss)


def _adam(
    theta: Theta, moments: dict[str, dict[str, Tensor]], meta_lr: float, rates_lr: float
) -> torch.optim.Adam:
    """Adam on theta's tensors, with the state it had; fused: one call for all parameters."""
    parts = (False, meta_lr), (True, rates_lr)  # whether these are learned rates
    groups = [
        {"params": [p for name, p in theta.items() if is_rate(name) == part], "highest": highest}
        for part, highest in parts
    ]
    adam = torch.optim.Adam([group for group in groups if group["params"]], lr=meta_lr, fused=True)
    for name, saved in moments.items():
        adam.state[theta[name]] = {
            key: value.clone().to(theta[name].device) for key, value in saved.items()
        }
    return adam


def _snapshot(step, theta, adam, generator, loss) -> TrainState:
    """Copies, so that a state stays what it was while training goes on."""
    moments = {
        name: {key: value.clone() for key, value in adam.state[p].items()}
        for name, p in theta.items()
    }
    frozen = {name: p.detach().clone() for name, p in theta.items()}
    return TrainState(step, frozen, moments, generator.get_state(), loss)
