"""Only so many different tasks: a source that comes back to the same ones."""

import torch

from maml_edu.foundation.checks import InputError, at_least
from maml_edu.foundation.randomness import device_of
from maml_edu.foundation.types import Device
from maml_edu.tasks.batch import TaskBatch, TaskSource


class FiniteTasks:
    """`n_tasks` tasks of a source, drawn once: the same waves, or the same characters under the
    same labels. Their samples (points, drawings) are drawn anew each time.

    source: one that says what describes a task, in `described_by`, names of its `info` that its
        `sample` also takes: `SinusoidTasks`, `OmniglotTasks`.
    seed: which tasks. Those of a smaller number need not be among those of a larger one.
    Raises InputError.
    """

    def __init__(self, source: TaskSource, n_tasks: int, *, seed: int = 0):
        at_least(1, n_tasks=n_tasks)
        if not hasattr(source, "described_by"):
            allowed = "a source that has `described_by`"
            raise InputError(f"source is a {type(source).__name__}; it must be {allowed}")
        self.source, self.n_tasks = source, n_tasks
        generator = torch.Generator().manual_seed(seed)
        drawn = source.sample(n_tasks, shots=1, queries=1, generator=generator)
        self.tasks = {name: drawn.info[name] for name in source.described_by}  # (n_tasks, …) each

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int,
        queries: int,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch:
        """Draw tasks from the `n_tasks`, with replacement; `info` also has "task", (tasks,)."""
        at_least(1, n_tasks=n_tasks)
        drawn_on = device_of(generator)
        which = torch.randint(self.n_tasks, (n_tasks,), generator=generator, device=drawn_on)
        chosen = {name: each.to(drawn_on)[which] for name, each in self.tasks.items()}
        sizes = {"shots": shots, "queries": queries, "generator": generator, "device": device}
        batch = self.source.sample(n_tasks, **sizes, **chosen)
        return batch._replace(info={**batch.info, "task": which.to(device)})
