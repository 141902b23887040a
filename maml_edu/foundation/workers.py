"""Several workers, one training: each takes its share of a meta-batch, all make the same step.

    torchrun --nproc-per-node=2 -m maml_edu train sine

starts two processes that run the same command. Each draws the same tasks (the seed is the same) and
differentiates its own share of them; the gradient of the mean over all tasks is then the mean of
the workers' gradients, weighted by their shares. So all make the same step of Adam, each on its own
copy of theta, and gradients alone are sent: one message a step, as long as theta. (This is plain
synchronous data-parallel training, with tasks in place of samples.)

Only the first worker reads and writes the run's folder, so machines need no common disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Gradient, Theta

if TYPE_CHECKING:
    from maml_edu.tasks import TaskBatch

T = TypeVar("T")


class WorkerLost(Exception):
    """Another worker of this training has gone, and no step can be made without it."""


@dataclass(frozen=True)
class Workers:
    """Which of `count` workers this is; alone, it changes nothing and sends nothing.

    restarted: torchrun has started all of them anew after one was lost (`--max-restarts`).
    """

    rank: int = 0
    count: int = 1
    restarted: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the worker that reads and writes files and shows progress."""
        return self.rank == 0

    def check(self, meta_batch: int) -> None:
        """Raise an InputError where some worker would have no task."""
        if meta_batch < self.count:
            raise InputError(
                f"meta_batch is {meta_batch}; it must be {self.count} or more, a task for each of "
                f"{self.count} workers"
            )

    def share(self, batch: TaskBatch) -> TaskBatch:
        """Every `count`-th of the tasks: as many for each worker, or one more for the first few."""
        if self.count == 1:
            return batch
        mine = slice(self.rank, None, self.count)
        info = {name: value[mine] for name, value in batch.info.items()}
        return type(batch)(*(part[mine] for part in batch[:4]), info)

    def mean(self, gradient: Gradient, meta_batch: int) -> Gradient:
        """The gradient and the loss of the whole meta-batch, from those of each worker's share."""
        if self.count == 1:
            return gradient

        def of_all(theta: Theta, share: TaskBatch) -> tuple[Theta, Tensor]:
            grads, loss = gradient(theta, share)
            parts = [*grads.values(), loss]
            weight = len(share.query_y) / meta_batch
            sent = torch.cat([part.detach().flatten() for part in parts]) * weight
            with _together():
                dist.all_reduce(sent)  # the sum over workers, the same bits for each of them
            pieces = sent.split([part.numel() for part in parts])
            *means, loss = (m.view_as(p) for m, p in zip(pieces, parts, strict=True))
            return dict(zip(grads, means, strict=True)), loss

        return of_all

    def any(self, here: bool) -> bool:
        """Whether it is so for any worker: all must agree on when to stop."""
        if self.count == 1:
            return here
        flag = torch.tensor(float(here))
        with _together():
            dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag)

    def from_first(self, find: Callable[[], T]) -> T:
        """What `find` gives the first worker, handed to all; so is an InputError that it raises."""
        if self.count == 1:
            return find()
        found: list = [None, None]
        if self.first:
            try:
                found[0] = find()
            except InputError as error:
                found[1] = error
        with _together():
            dist.broadcast_object_list(found)
        if found[1] is not None:
            raise found[1]
        return found[0]


ALONE = Workers()


@contextmanager
def join(device: str) -> Iterator[tuple[Workers, str]]:
    """Meet the other workers that torchrun started; yields who this is, and its own device.

    device: "cpu", where workers speak by gloo, or "cuda": a GPU for each worker, by NCCL.
    Without torchrun: alone. Raises InputError where there are more workers than GPUs.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE, device
        return
    here, count = (int(os.environ[name]) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    if device == "cuda":
        if here > (gpus := torch.cuda.device_count()):
            raise InputError(
                f"nproc-per-node is {here}; it must be at most {gpus}, the GPUs of this machine, "
                "unless with --device cpu"
            )
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    backend = "gloo" if device == "cpu" else "cpu:gloo,cuda:nccl"
    shared = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and here == count
    dist.init_process_group(backend, **_meeting(attempt) if shared else {})
    try:
        yield Workers(dist.get_rank(), count, attempt > 0), device
        with _together():
            dist.barrier()  # while the first still measures what they trained
    finally:
        dist.destroy_process_group()


def _meeting(attempt: int) -> dict[str, Any]:
    """Where the workers of this attempt find each other: how `init_process_group` is told.

    torchrun keeps one store for all attempts, addresses of lost workers included, and a restarted
    worker that reads too early calls those. So each attempt has keys of its own. (Machines count
    their attempts differently, so several machines cannot do it this way.)
    """
    rank, count = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE"))
    where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(*where, is_master=False)
    return {
        "store": dist.PrefixStore(f"attempt {attempt}", store),
        "rank": rank,
        "world_size": count,
    }


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo's and NCCL's own kinds of it
        reason = str(error).splitlines()[0][:200]
        raise WorkerLost(f"another worker has gone ({reason})") from error
