"""Synchronous data-parallel training, with tasks in place of samples.

`torchrun --nproc-per-node=2 -m maml_edu train sine` starts two workers, processes that run the same
command. Each draws the same tasks, from the same seed, and differentiates its share of them. The
gradient of the mean over all tasks is the mean of the workers' gradients, weighted by their shares.
So all make the same step, each on its own copy of theta. One message a step, as long as
theta, carries the gradients.

Only the first worker reads and writes the run's folder, so machines need no common disk unless a
restart may move it to another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils._pytree import tree_map

from maml_edu.foundation.checks import InputError, refuse
from maml_edu.foundation.types import Batch, Gradient, Theta

T = TypeVar("T")


class WorkerLost(Exception):
    """Another worker of this training is gone, and no step is possible without it."""


@dataclass(frozen=True)
class Workers:
    """Which of `count` workers this is. A single worker changes nothing and sends nothing.

    restarted: whether torchrun started all of them again after losing one (`--max-restarts`).
    """

    rank: int = 0
    count: int = 1
    restarted: bool = False

    @property
    def first(self) -> bool:
        """Whether this is the worker that reads and writes files and shows progress."""
        return self.rank == 0

    def check(self, meta_batch: int) -> None:
        """Raise an InputError if a worker would have no task."""
        if meta_batch < self.count:
            each = f"one task for each of the {self.count} workers"
            refuse("meta_batch", meta_batch, f"{self.count} or more, {each}")

    def share(self, batch: Batch) -> Batch:
        """This worker's tasks, every `count`-th: the first few workers may have one more."""
        mine = slice(self.rank, None, self.count)
        return tree_map(lambda part: part[mine], batch)

    def mean(self, gradient: Gradient, meta_batch: int) -> Gradient:
        """A gradient over the whole meta-batch, for one over a worker's share."""
        if self.count == 1:
            return gradient

        def of_all(theta: Theta, share: Batch) -> tuple[Theta, Tensor]:
            grads, loss = gradient(theta, share)
            parts = [*grads.values(), loss]
            weight = share.n_tasks / meta_batch
            sent = torch.cat([part.detach().flatten() for part in parts]) * weight
            with _together():
                dist.all_reduce(sent)  # the sum over workers, with the same bits on each
            pieces = sent.split([part.numel() for part in parts])
            *means, loss = (m.view_as(p) for m, p in zip(pieces, parts, strict=True))
            return dict(zip(grads, means, strict=True)), loss

        return of_all

    def any(self, here: bool) -> bool:
        """Whether `here` is true on any worker, so that all stop together."""
        flag = torch.tensor(float(here))
        if self.count > 1:
            with _together():
                dist.all_reduce(flag, op=dist.ReduceOp.MAX)
        return bool(flag)

    def from_first(self, find: Callable[[], T]) -> T:
        """The result of `find` on the first worker, or the InputError that it raises, for all."""
        try:
            found = [find() if self.first else None]
        except InputError as error:
            found = [error]
        if self.count > 1:
            with _together():
                dist.broadcast_object_list(found)
        if isinstance(found[0], InputError):
            raise found[0]
        return found[0]


ALONE = Workers()


@contextmanager
def join(device: str) -> Iterator[tuple[Workers, str]]:
    """Meet the other workers that torchrun started. Yields which worker this is, and its device.

    device: "cpu", where workers communicate by gloo, or "cuda": a GPU for each worker, by NCCL.
    Without torchrun there is one worker. Raises InputError for more workers than GPUs.
    """
    if not dist.is_torchelastic_launched():
        yield ALONE, device
        return
    here, rank, count = (int(os.environ[n]) for n in ("LOCAL_WORLD_SIZE", "RANK", "WORLD_SIZE"))
    attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))
    if device == "cuda":
        if here > (gpus := torch.cuda.device_count()):
            allowed = f"at most {gpus}, the GPUs of this machine, unless with --device cpu"
            refuse("nproc-per-node", here, allowed)
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    meeting: dict[str, Any] = {}
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True" and here == count:
        # torchrun keeps one store for all attempts, with the addresses of lost workers in it. So
        # each attempt has its own keys. (Machines count their attempts differently: one machine.)
        where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = dist.PrefixStore(f"attempt {attempt}", dist.TCPStore(*where, is_master=False))
        meeting = {"store": store, "rank": rank, "world_size": count}
    dist.init_process_group("gloo" if device == "cpu" else "cpu:gloo,cuda:nccl", **meeting)
    try:
        yield Workers(rank, count, attempt > 0), device
        with _together():
            dist.barrier()  # the first worker may still be measuring the result
    finally:
        dist.destroy_process_group()


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo's and NCCL's own kinds of it
        reason = str(error).splitlines()[0][:200]
        raise WorkerLost(f"another worker is gone ({reason})") from error
