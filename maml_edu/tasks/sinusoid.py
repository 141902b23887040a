"""The sine waves of the MAML paper: a task is a wave, seen at a few points."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from maml_edu.foundation.checks import at_least, flag, interval, not_negative
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.randomness import device_of
from maml_edu.foundation.types import Device
from maml_edu.tasks.batch import TaskBatch


@dataclass(frozen=True)
class SinusoidTasks:
    """y = amplitude * sin(x - phase) (+ noise), a new amplitude and phase for every task.

    amplitude, phase, x_range: (low, high), between which they are uniform. Default: the ranges of
        Finn, Abbeel & Levine (2017, arXiv 1703.03400), section 5.1.

    noise: the standard deviation of the normal noise in every y. Default: 0.
    reveal_task: whether each x comes with its task's amplitude and phase, as three features. That
        is the input of the paper's oracle, which need not infer the task. Default: False.
    Raises InputError for a range or a noise that is not finite.
    """

    amplitude: tuple[float, float] = option((0.1, 5.0), interval, "range of amplitudes")
    phase: tuple[float, float] = option((0.0, math.pi), interval, "range of phases")
    x_range: tuple[float, float] = option((-5.0, 5.0), interval, "range of x")
    noise: float = option(0.0, not_negative, "standard deviation of the noise in y")
    reveal_task: bool = option(False, flag, "tell the network each task's amplitude and phase")
    described_by: ClassVar[tuple[str, ...]] = ("amplitude", "phase")  # see `FiniteTasks`

    def __post_init__(self):
        check_options(self)

    @property
    def features(self) -> int:
        """How many numbers describe one x: 1, or 3 with `reveal_task`."""
        return 3 if self.reveal_task else 1

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int = 10,
        queries: int = 10,
        amplitude: float | Tensor | None = None,
        phase: float | Tensor | None = None,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch:
        """Draw tasks. An `amplitude` or `phase` that is given holds for all of them; a tensor
        (tasks,) has each task's own.

        Random numbers come from the generator's device, so a seed gives the same tasks on every
        device. Returns x as (tasks, shots or queries, features), y as (tasks, …, 1), and in `info`
        "amplitude" and "phase", each (tasks,).
        """
        at_least(1, n_tasks=n_tasks, shots=shots, queries=queries)
        drawn_on = device_of(generator)

        def uniform(bounds: tuple[float, float], *shape: int) -> Tensor:
            low, high = bounds
            return low + (high - low) * torch.rand(*shape, generator=generator, device=drawn_on)

        amplitudes = uniform(self.amplitude, n_tasks)
        phases = uniform(self.phase, n_tasks)
        if amplitude is not None:
            amplitudes = torch.as_tensor(amplitude).to(amplitudes).expand(n_tasks)
        if phase is not None:
            phases = torch.as_tensor(phase).to(phases).expand(n_tasks)
        x = uniform(self.x_range, n_tasks, shots + queries, 1)
        y = amplitudes[:, None, None] * torch.sin(x - phases[:, None, None])
        if self.noise:
            y = y + self.noise * torch.randn(y.shape, generator=generator, device=drawn_on)
        x, y = self._inputs(x, amplitudes, phases).to(device), y.to(device)
        info = {"amplitude": amplitudes.to(device), "phase": phases.to(device)}
        return TaskBatch(x[:, :shots], y[:, :shots], x[:, shots:], y[:, shots:], info)

    def truth(self, task: TaskBatch, x: Tensor) -> Tensor:
        """One task's own wave, without noise, at x (points,) -> (points,)."""
        return task.info["amplitude"] * torch.sin(x - task.info["phase"])

    def inputs(self, task: TaskBatch, x: Tensor) -> Tensor:
        """x (points,) as one task's network takes it: (points, features)."""
        amplitude, phase = (task.info[name][None] for name in ("amplitude", "phase"))
        return self._inputs(x[None, :, None], amplitude, phase)[0]

    def _inputs(self, x: Tensor, amplitudes: Tensor, phases: Tensor) -> Tensor:
        if not self.reveal_task:
            return x
        told = torch.stack([amplitudes, phases], 1)[:, None].expand(-1, x.shape[1], -1)
        return torch.cat([x, told], 2)
