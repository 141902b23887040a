"""The outer loop: move theta so that adapting from it works better, on average over tasks."""

import math
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from functools import partial

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten
from tqdm.auto import tqdm

from maml_edu.foundation import checks
from maml_edu.foundation.capture import captured
from maml_edu.foundation.checks import InputError, at_least, integer
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.types import Device, Gradient, Theta
from maml_edu.foundation.workers import ALONE, Workers
from maml_edu.learners import Learner
from maml_edu.learners.checks import check_batch
from maml_edu.tasks import TaskBatch, TaskSource


def meta_loss(learner: Learner, theta: Theta, batch: TaskBatch) -> Tensor:
    """The mean over a batch of tasks of what the learner minimises: a scalar.

    `vmap` runs `learner.task_loss`, which is written for one task, on all tasks side by side. (A
    single task needs none, and PyTorch's kernels are faster without.)
    """
    if len(batch.query_y) == 1:
        return learner.task_loss(theta, batch.task(0))
    return vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()


def in_chunks(gradient: Gradient, chunk_size: int | None) -> Gradient:
    """`gradient` of a batch as the mean of its gradients on chunks of `chunk_size` tasks."""
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


def meta_gradient(
    learner: Learner, theta: Theta, batch: TaskBatch, *, chunk_size: int | None = None
) -> tuple[Theta, Tensor]:
    """The gradient of `meta_loss` with respect to theta, name -> tensor, and the loss itself.

    chunk_size: how many tasks to differentiate at a time (default: all). The result is the same,
        and memory grows with the chunk, not with the batch.
    """

    gradient = grad_and_value(partial(meta_loss, learner))
    return in_chunks(gradient, chunk_size)(theta, batch)


def meta_step(
    gradient: Gradient, optimiser: torch.optim.Optimizer, theta: Theta, batch: TaskBatch
) -> Tensor:
    """One step of the outer loop; returns the meta-loss before it.

    gradient: (theta, batch) -> the gradient and the loss, as `meta_gradient` returns them.
    theta: the tensors that the optimiser was made with. As `torch.optim` does, it changes them.
    """
    grads, loss = gradient({name: p.detach() for name, p in theta.items()}, batch)
    for name, p in theta.items():
        p.grad = grads[name]
    optimiser.step()
    return loss


@dataclass(frozen=True)
class Training:
    """How the outer loop trains: by Adam, on batches of new tasks.

    Its step size rises in a straight line over the first `warmup` of the steps (without the rise,
    some seeds never recover from Adam's first, barely informed steps). Then it falls as half a
    cosine to 0, or stays constant, as `schedule` says.
    """

    steps: int = option(MISSING, integer(0, 10**8), "meta-steps: updates of theta")
    meta_batch: int = option(25, integer(1, 10**6), "tasks in each meta-step")
    shots: int = option(10, integer(1, 10**6), "support samples to adapt to (of each class)")
    queries: int = option(10, integer(1, 10**6), "query samples to be judged on (of each class)")
    meta_lr: float = option(1e-3, checks.positive, "Adam's highest step size")
    rates_lr: float | None = option(
        None, checks.positive, "Adam's highest step size for learned rates (default: meta_lr)"
    )
    warmup: float = option(0.05, checks.fraction, "share of the steps until meta_lr is reached")
    schedule: str = option(
        "cosine", checks.choice(["cosine", "constant"]), "the step size after the warmup"
    )
    seed: int = option(0, integer(0, 2**63 - 1), "the same seed on the CPU gives the same bits")
    chunk_size: int | None = option(
        None,
        integer(1, 10**6),
        "tasks differentiated side by side (default: all, Omniglot 120 images)",
    )
    capture: bool = option(True, checks.flag, "capture the meta-gradient and replay it: faster")
    compile: bool = option(False, checks.flag, "compile it, for a long run: needs a C++ compiler")

    def __post_init__(self):
        check_options(self)
        if self.compile and not self.capture:
            raise InputError("compile is True and capture False; only a captured step is compiled")

    def step_size(self, step: int, highest: float | None = None) -> float:
        """Adam's step size at one of the steps; `highest` (default: meta_lr) is its peak."""
        rise = self.warmup * self.steps
        scale = min(1.0, (step + 1) / rise) if rise >= 1 else 1.0
        if self.schedule == "cosine":
            scale *= 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return scale * (self.meta_lr if highest is None else highest)


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


def meta_train(
    learner: Learner,
    tasks: TaskSource,
    training: Training,
    *,
    state: TrainState | None = None,
    every: int = 100,
    device: Device = None,
    progress: bool = False,
    workers: Workers = ALONE,
) -> Iterator[TrainState]:
    """Meta-train: yield the state at the start, after every `every` steps, and at the end.

    It runs only as far as it is asked to. Hand a yielded state back as `state` to go on from it
    (default: from the start): with the other arguments unchanged, the result has the same bits as
    an uninterrupted run.

    every: meta-steps between two states. progress: whether to show a progress bar.
    workers: who share each meta-batch and run this together (see `foundation.workers`); the result
        is that of one alone, but for the order of additions.
    Raises Diverged when the meta-loss is no longer finite, and NoCompiler (of `foundation.capture`)
    when `training.compile` is asked for without a C++ compiler.
    """
    at_least(1, every=every)
    workers.check(training.meta_batch)
    generator = torch.Generator().manual_seed(training.seed)
    if state is None:
        theta = learner.init(generator=generator, device=device)
        state = TrainState(0, theta, {}, generator.get_state(), math.nan)
        yield state
    generator.set_state(state.generator)
    theta = {name: p.clone().to(device).requires_grad_() for name, p in state.theta.items()}
    adam = _adam(learner, theta, state.moments, training)
    sizes = {"shots": training.shots, "queries": training.queries, "device": device}
    trainee, steps, losses = None, training.steps, []
    shown = {"unit": "step", "disable": not progress, "leave": False}
    with tqdm(total=steps, initial=state.step, **shown) as bar:
        for step in range(state.step, steps):
            batch = tasks.sample(training.meta_batch, generator=generator, **sizes)
            if trainee is None:
                check_batch(learner, batch)
            if learner.at_progress(step / steps) != trainee:
                trainee = learner.at_progress(step / steps)
                gradient = gradient_of(trainee, training, workers)
            for group in adam.param_groups:
                group["lr"] = training.step_size(step, group["highest"])
            losses.append(meta_step(gradient, adam, theta, workers.share(batch)))
            done = step + 1
            if done % every != 0 and done != steps:
                continue
            mean_loss = torch.stack(losses).mean().item()
            if not math.isfinite(mean_loss):
                raise Diverged(
                    f"the meta-loss is {mean_loss} over steps {done - len(losses)} to {done}; "
                    f"try a smaller meta_lr than {training.meta_lr:g} or a smaller inner_lr"
                )
            bar.update(len(losses))
            bar.set_postfix(meta_loss=f"{mean_loss:.3f}")
            losses.clear()
            yield _snapshot(done, theta, adam, generator, mean_loss)


def gradient_of(learner: Learner, training: Training, workers: Workers = ALONE) -> Gradient:
    """(theta, batch) -> the meta-gradient and the loss, as `training` has them computed."""
    gradient = partial(meta_gradient, learner)
    if training.capture:
        gradient = captured(gradient, training.compile)
    return workers.mean(in_chunks(gradient, training.chunk_size), training.meta_batch)


def _adam(
    learner: Learner, theta: Theta, moments: dict[str, dict[str, Tensor]], training: Training
) -> torch.optim.Adam:
    """Adam on theta's tensors, with the state it had; fused: one call for all parameters."""
    groups = [
        {"params": [theta[n] for n in names], "highest": getattr(training, which)}
        for which, names in learner.param_groups(theta).items()
        if names
    ]
    adam = torch.optim.Adam(groups, lr=training.meta_lr, fused=True)
    for name, saved in moments.items():
        p = theta[name]
        adam.state[p] = {key: value.clone().to(p.device) for key, value in saved.items()}
    return adam


def _snapshot(step, theta, adam, generator, loss) -> TrainState:
    """Copies, so that a state stays what it was while training goes on."""
    copies = tree_map(torch.clone, {name: dict(adam.state[p]) for name, p in theta.items()})
    frozen = {name: p.detach().clone() for name, p in theta.items()}
    return TrainState(step, frozen, copies, generator.get_state(), loss)
