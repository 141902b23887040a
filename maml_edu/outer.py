"""The outer loop: move theta so that adapting from it works better, on average over tasks."""

import math
from collections.abc import Iterator
from dataclasses import MISSING, dataclass
from functools import partial

import torch
from torch import Tensor
from torch.func import grad_and_value
from tqdm.auto import tqdm

from maml_edu.foundation import checks
from maml_edu.foundation.capture import captured
from maml_edu.foundation.checks import InputError, at_least, integer
from maml_edu.foundation.optimisers import OPTIMISERS, clip, optimiser
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.randomness import random_state
from maml_edu.foundation.types import Device, Gradient, Theta
from maml_edu.foundation.vmapped import in_chunks, over
from maml_edu.foundation.workers import ALONE, Workers
from maml_edu.learners import Learner
from maml_edu.learners.checks import check_batch, one_by_one
from maml_edu.models.skeleton import training
from maml_edu.tasks import TaskBatch, TaskSource


def meta_loss(learner: Learner, theta: Theta, batch: TaskBatch) -> Tensor:
    """The mean over a batch of tasks of what the learner minimises: a scalar.

    `vmap` runs `learner.task_loss`, which is written for one task, on all tasks side by side. (A
    single task needs none, and PyTorch's kernels are faster without.) Dropout is on.
    """
    with training():
        return over(partial(learner.task_loss, theta), batch, loop=one_by_one(learner)).mean()


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
    gradient: Gradient,
    optimiser: torch.optim.Optimizer,
    theta: Theta,
    batch: TaskBatch,
    highest_norm: float | None = None,
) -> Tensor:
    """One step of the outer loop; returns the meta-loss before it.

    gradient: (theta, batch) -> the gradient and the loss, as `meta_gradient` returns them.
    theta: the tensors that the optimiser was made with. As `torch.optim` does, it changes them.
    highest_norm: of the gradient, which is scaled down to it (default: as long as it is).
    """
    grads, loss = gradient({name: p.detach() for name, p in theta.items()}, batch)
    for name, p in theta.items():
        p.grad = grads[name]
    if highest_norm is not None:
        clip([p.grad for p in theta.values()], highest_norm)
    optimiser.step()
    return loss


@dataclass(frozen=True)
class Training:
    """How the outer loop trains, on batches of new tasks.

    The step size rises in a straight line over the first `warmup` of the steps (without the rise,
    some seeds never recover from Adam's first, barely informed steps). Then it falls as half a
    cosine to 0, or stays constant, as `schedule` says.
    """

    steps: int = option(MISSING, integer(0, 10**8), "meta-steps: updates of theta")
    meta_batch: int = option(25, integer(1, 10**6), "tasks in each meta-step")
    shots: int = option(10, integer(1, 10**6), "support samples to adapt to (of each class)")
    queries: int = option(10, integer(1, 10**6), "query samples to be judged on (of each class)")
    meta_lr: float = option(1e-3, checks.positive, "highest step size of the outer loop")
    rates_lr: float | None = option(
        None, checks.positive, "highest step size for learned rates (default: meta_lr)"
    )
    warmup: float = option(0.05, checks.fraction, "share of the steps until meta_lr is reached")
    optimiser: str = option("adam", checks.choice(OPTIMISERS), "of the outer loop")
    momentum: float = option(0.0, checks.fraction, "of sgd (adam has its own)")
    weight_decay: float = option(
        0.0, checks.not_negative, "pull towards 0, but not of learned rates (adam: decoupled)"
    )
    clip: float | None = option(
        None, checks.positive, "highest norm of the meta-gradient (default: any)"
    )
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
        if self.momentum and self.optimiser != "sgd":
            raise InputError(f"momentum is {self.momentum}; only sgd takes one, adam has its own")

    def step_size(self, step: int, highest: float | None = None) -> float:
        """The outer step size at one of the steps; `highest` (default: meta_lr) is its peak."""
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
    moments: dict[str, dict[str, Tensor]]  # the optimiser's own state, by parameter
    generator: Tensor  # the state of the generator that tasks are drawn with
    meta_loss: float  # mean since the state before; nan before the first step


torch.serialization.add_safe_globals([TrainState])  # so that torch.load reads a saved one


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

    It runs only as far as it is asked to. A yielded state handed back as `state` (default: None,
    the start) goes on from there: with all else unchanged, to the bits of an uninterrupted run.

    every: meta-steps between two states. progress: whether to show a progress bar.
    workers: who share each meta-batch and run this together (see `foundation.workers`); the result
        is that of one alone, but for the order of additions.
    Raises Diverged when the meta-loss is no longer finite; NoCompiler (of `foundation.capture`).
    """
    at_least(1, every=every)
    workers.check(training.meta_batch)
    generator = torch.Generator().manual_seed(training.seed)
    if state is None:
        theta = learner.init(generator=generator, device=device)
        state = TrainState(0, theta, {}, generator.get_state(), math.nan)
        yield state
    generator.set_state(state.generator)
    theta = {name: p.detach().clone().to(device) for name, p in state.theta.items()}
    moving = _optimiser(learner, theta, state.moments, training)
    sizes = {"shots": training.shots, "queries": training.queries, "device": device}
    trainee, steps, losses = None, training.steps, []
    shown = {"initial": state.step, "unit": "step", "disable": not progress, "leave": False}
    with tqdm(total=steps, **shown) as bar:
        for step in range(state.step, steps):
            batch = tasks.sample(training.meta_batch, generator=generator, **sizes)
            if trainee is None:
                check_batch(learner, batch)
            if (now := learner.at_progress(step / steps)) != trainee:
                trainee = now
                gradient = gradient_of(trainee, training, workers)
            for group in moving.param_groups:
                group["lr"] = training.step_size(step, group["highest"])
            with random_state(hash((training.seed, step)) % 2**63):  # dropout's, at each step anew
                mine = workers.share(batch)
                losses.append(meta_step(gradient, moving, theta, mine, training.clip))
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
            yield _snapshot(done, theta, moving, generator, mean_loss)


def gradient_of(learner: Learner, training: Training, workers: Workers = ALONE) -> Gradient:
    """(theta, batch) -> the meta-gradient and the loss, as `training` has them computed."""
    gradient = partial(meta_gradient, learner)
    alone = one_by_one(learner)  # recurrent layers: to capture their many operations takes minutes
    if training.capture and (training.compile or not alone):
        gradient = captured(gradient, training.compile)
    chunk_size = 1 if alone else training.chunk_size
    return workers.mean(in_chunks(gradient, chunk_size), training.meta_batch)


def _optimiser(
    learner: Learner, theta: Theta, moments: dict[str, dict[str, Tensor]], training: Training
) -> torch.optim.Optimizer:
    """The optimiser of theta's tensors, with the state it had."""
    groups = [
        {"params": [theta[n] for n in names], "highest": getattr(training, which)}
        for which, names in learner.param_groups(theta).items()
        if names
    ]
    how = {"momentum": training.momentum, "weight_decay": training.weight_decay}
    made = optimiser(training.optimiser, groups, training.meta_lr, **how)
    for name, saved in moments.items():
        p = theta[name]
        made.state[p] = {key: value.clone().to(p.device) for key, value in saved.items()}
    return made


def _snapshot(step, theta, moving, generator, loss) -> TrainState:
    """Copies, so that a state stays what it was while training goes on."""
    held = {name: moving.state[p] for name, p in theta.items()}
    copies = {n: {k: v.clone() for k, v in of.items() if v is not None} for n, of in held.items()}
    frozen = {name: p.detach().clone() for name, p in theta.items()}
    return TrainState(step, frozen, copies, generator.get_state(), loss)
