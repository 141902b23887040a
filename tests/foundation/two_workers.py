"""What torchrun starts twice for test_workers.py: `-m tests.foundation.two_workers FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path

import torch

from maml_edu.foundation import workers as distributed
from maml_edu.foundation.workers import ALONE, Workers
from maml_edu.learners import MAML, Joint, MetaSGD, Reptile
from maml_edu.models import mlp
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.runs.cli import main
from maml_edu.tasks import SinusoidTasks, TaskBatch

MODEL = mlp(1, 8, 8, 1)
LEARNERS = {
    "maml": MAML(MODEL, inner_lr=0.02, inner_steps=3),
    "learned rates": MAML(MODEL, inner_lr=0.02, inner_steps=2, learned_rates=True),
    "meta-sgd": MetaSGD(MODEL),
    "reptile": Reptile(MODEL, inner_steps=3),
    "joint": Joint(MODEL),
}
META_BATCHES = (2, 5, 8)  # 5 is not a multiple of two workers
STEPS, KILLED_AT = 60, 35
TRAIN = [
    "train",
    "sine",
    "--no-capture",
    "--steps",
    str(STEPS),
    "--meta-batch",
    "5",
    "--save-every",
    "10",
]


def double(tree: dict) -> dict:
    return {name: p.double() for name, p in tree.items()}


def gradients(learner, meta_batch: int, workers: Workers) -> dict[str, torch.Tensor]:
    """The meta-gradient and the loss in float64, by these workers together."""
    generator = torch.Generator().manual_seed(meta_batch)
    batch = SinusoidTasks().sample(meta_batch, shots=5, queries=4, generator=generator)
    batch = TaskBatch(*(part.double() for part in batch[:4]), double(batch.info))
    theta = double(learner.init(generator=generator))

    def gradient(theta, batch):
        return meta_gradient(learner, theta, batch)

    grads, loss = workers.mean(gradient, meta_batch)(theta, workers.share(batch))
    return {**grads, "loss": loss}


def compare(folder: Path, workers: Workers) -> None:
    """Gradients of two workers and of one; a training of two and of one; what is refused."""
    cases = {
        f"{name}, {meta_batch} tasks": [gradients(learner, meta_batch, w) for w in (workers, ALONE)]
        for name, learner in LEARNERS.items()
        for meta_batch in META_BATCHES
    }
    training = Training(20, meta_batch=7, capture=False)
    learner, tasks = MAML(MODEL), SinusoidTasks()
    trained = [
        [s.meta_loss for s in meta_train(learner, tasks, training, every=5, workers=who)][1:]
        for who in (workers, ALONE)
    ]
    try:
        next(meta_train(learner, tasks, Training(1, meta_batch=1), workers=workers))
    except ValueError as error:
        refused = str(error)
    found = {"cases": cases, "trained": trained, "refused": refused}
    torch.save(found, folder / f"worker-{workers.rank}.pt")


def die_at_last() -> None:
    """Let this process be killed with -9 in the middle of a training."""
    drawn, sample = 0, SinusoidTasks.sample

    def sample_or_die(*args, **options):
        nonlocal drawn
        drawn += 1
        if drawn == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)
        return sample(*args, **options)

    SinusoidTasks.sample = sample_or_die


def work(folder: Path) -> None:
    """All of it at first; started anew, what the second worker's death has cut short."""
    cut_short = [*TRAIN, "--out", str(folder / "killed")]
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        with distributed.join("cpu") as (workers, device):
            compare(folder, workers)
            distributed.join = lambda device: nullcontext((workers, device))  # they have met
            assert main([*TRAIN, "--out", str(folder / "whole")]) == 0
            if not workers.first:
                die_at_last()
            sys.exit(main(cut_short))
    assert main(cut_short) == 0


if __name__ == "__main__":
    work(Path(sys.argv[1]))
