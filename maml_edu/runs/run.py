"""A training run from start to end: progress, saving, stopping, resuming, and its checkpoint."""

import math
import os
import time
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from maml_edu.foundation.checks import integer
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.types import Theta
from maml_edu.foundation.workers import ALONE, Workers
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.runs.checkpoint import IN_A_RUN, Checkpoint, load, save
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.history import History
from maml_edu.runs.measure import Measurement, describe, measure
from maml_edu.runs.stopping import Stopped, stop_requests
from maml_edu.runs.training_state import (
    STATE_FILE,
    Progress,
    RunError,
    Validated,
    resumed,
    save_state,
    start_from,
)  # fmt: skip

BEST, LAST = "best", "last"  # by validation accuracy, and by step
LOOK_EVERY = 100  # meta-steps between two looks at the loss, and at whether to stop
VALIDATION_TASKS = 200
ANCESTOR = ("sha256", "config", "command", "seconds", "cpu_seconds", "started_from")


@dataclass(frozen=True)
class RunOptions:
    """How a run is saved and measured. Training takes the same steps whatever these are."""

    save_every: int = option(500, integer(1, 10**8), "meta-steps between two saves of the state")
    validate_every: int = option(
        500, integer(1, 10**8), "meta-steps between two measurements on validation tasks (Omniglot)"
    )
    n_tasks: int = option(1000, integer(2, 10**6), "new tasks to measure the result on")
    patience: int | None = option(
        None,
        integer(1, 10**6),
        "validations without a new best until the run stops early (Omniglot; default: never)",
    )
    progress: bool = False

    def __post_init__(self):
        check_options(self)


class Run:
    """Train by a config in the folder `out`, measure the result, and leave a checkpoint there.

    source: of the drawings (see `maml_edu.tasks.data.load_drawings`), for Omniglot alone.
    command: what started it, for the checkpoint's metadata.
    workers: who train together, each with a Run of its own. The first alone touches the folder.

    The folder gets the state to resume from, `history.csv` with the loss as it went, and, where
    the family of tasks validates, the `best` state so far and the `last`.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: str | os.PathLike,
        options: RunOptions = RunOptions(),
        *,
        source: Any = "auto",
        device: torch.device | str = "cpu",
        command: str = "",
        workers: Workers = ALONE,
    ):
        if options.patience and not config.family.validates:
            raise RunError(f"patience is {options.patience}; {config.tasks.name} has no validation")
        self.out, self.options = Path(out), options
        self.source, self.device, self.workers = source, device, workers
        workers.check(config.training.meta_batch)
        self.learner = config.make_learner(training=True)
        self.tasks = config.make_tasks("train", source)
        if config.family.validates:  # what the drawings are is on record, whoever gave them
            kind = self.tasks.drawings.kind
            config = replace(config, tasks=config.tasks.with_option("data", kind))
        self.config = config
        self.metadata = {**describe(config, self.tasks, device), "command": command}
        if workers.count > 1:
            self.metadata["hardware"]["workers"] = workers.count
        self.saved_step: int | None = None
        self.state: TrainState | None = None
        self.figures: dict[str, Any] = {}  # of the last validation

    def train(self, *, resume: bool = False, start: Checkpoint | None = None) -> Checkpoint | None:
        """Run it; the first worker gets the checkpoint, the others None.

        resume: go on from the state in the folder, bit for bit as if the run had never stopped.
        start: begin at this checkpoint's theta (see `start_from`); the config has its SHA-256.
        Raises RunError or FileError before anything is written; Stopped on Ctrl-C or SIGTERM, and
        Diverged, both of which leave the last good state in the folder.
        """
        first = self._begin(resume, start)
        states = meta_train(
            self.learner, self.tasks, self.config.training,
            state=first,
            every=min(LOOK_EVERY, self.options.save_every, self.options.validate_every),
            device=self.device,
            progress=self.options.progress and self.workers.first,
            workers=self.workers,
        )  # fmt: skip
        with stop_requests() as stop, closing(states):
            try:
                for state in chain([] if first is None else [first], states):
                    self._take(state)
                    if self._validation_due():
                        self._validate()
                    if self.workers.any(self._waited_enough()):
                        break
                    if self.workers.any(stop.is_set()):
                        at = f"{state.step} of {self.config.training.steps}"
                        raise Stopped(f"stopped at step {at}; the state is saved in {self.out}")
            finally:
                self._save()  # the last good state, however it ends
        return self._finish() if self.workers.first else None

    def _begin(self, resume: bool, start: Checkpoint | None) -> TrainState | None:
        """The state to go on from, if there is one, and the folder made."""
        given = None if start is None else start.metadata["sha256"]
        if given != self.config.start:
            raise RunError(f"start is {given}; it must be the config's start, {self.config.start}")
        progress = self.workers.from_first(lambda: self._find(resume, start))
        state, spent = progress.state, progress.spent
        self.validated: list[Validated] = list(progress.validated)
        self._began = time.perf_counter() - spent[0], time.process_time() - spent[1]
        self.history = History(self.out, state.step if state else -1, self.workers.first)
        if start is not None:
            told = {key: start.metadata[key] for key in ANCESTOR if key in start.metadata}
            self.metadata["started_from"] = told
        return state

    def _find(self, resume: bool, start: Checkpoint | None) -> Progress:
        if resume or (self.workers.restarted and (self.out / STATE_FILE).exists()):
            progress = resumed(self.out, self.config)
            self.saved_step = progress.state.step
            return progress
        if any((self.out / name).exists() for name in (STATE_FILE, f"{IN_A_RUN}.json")):
            said = "holds a run already; add --resume to go on, or choose another --out"
            raise RunError(f"{self.out} {said}")
        seed = self.config.training.seed
        state = start and start_from(start.theta, self.learner, seed=seed)
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"it cannot be made a folder ({error.strerror})"
            raise RunError(f"out is {str(self.out)!r}; {reason}") from None
        return Progress(state, self.config)

    @property
    def spent(self) -> tuple[float, float]:
        """Seconds by the clock, and of the processor, in resumed parts too."""
        return time.perf_counter() - self._began[0], time.process_time() - self._began[1]

    def _times(self) -> dict[str, float]:
        seconds, cpu_seconds = self.spent
        return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu_seconds, 1)}

    def _take(self, state: TrainState) -> None:
        """Make this the run's state, and save it where that is due."""
        if not all(p.isfinite().all() for p in state.theta.values()):
            raise Diverged(f"theta is not finite at step {state.step}; try a smaller meta_lr")
        self.state = state
        if state.step > 0:
            self.history.add(state.step, **self._times(), meta_loss=state.meta_loss)
        if self.saved_step is None or state.step - self.saved_step >= self.options.save_every:
            self._save()

    def _save(self) -> None:
        if self.workers.first and self.state is not None and self.state.step != self.saved_step:
            progress = Progress(self.state, self.config, self.spent, self.validated)
            save_state(self.out / STATE_FILE, progress)
            self.saved_step = self.state.step

    def _validation_due(self) -> bool:
        if not (self.config.family.validates and self.workers.first):
            return False
        last = self.validated[-1][0] if self.validated else 0
        step, steps = self.state.step, self.config.training.steps
        return step >= last + self.options.validate_every or (step == steps and step > last)

    def _waited_enough(self) -> bool:
        """Whether `patience` says to stop: the best so far is so many validations old."""
        accuracies = [row[2] for row in self.validated]
        waited = len(accuracies) - 1 - accuracies.index(max(accuracies)) if accuracies else 0
        return self.options.patience is not None and waited >= self.options.patience

    def _validate(self) -> None:
        """Measure the state on validation tasks, and keep it if it is the best so far."""
        step = self.state.step
        self.figures = self._measure(self.state.theta, VALIDATION_TASKS, split="validation")
        accuracy, half_width = self.figures["by_inner_step"][-1].values()
        cpu_seconds = self._times()["cpu_seconds"]
        row = step, cpu_seconds, accuracy, half_width
        self.validated = [r for r in self.validated if r[0] < step] + [row]
        told = {"validation_accuracy": accuracy, "half_width": half_width}
        self.history.add(step, cpu_seconds=cpu_seconds, **told)
        if max(self.validated, key=lambda r: r[2])[0] == step:
            self._keep(BEST, self.state.theta, self.figures)

    def _measure(self, theta: Theta, n_tasks: int, **more: Any) -> dict[str, Any]:
        how = Measurement(n_tasks=n_tasks, **more)
        given = {"source": self.source, "device": self.device, "progress": self.options.progress}
        theta = {name: p.to(self.device) for name, p in theta.items()}
        return measure(self.config, theta, how, **given)

    def _keep(self, name: str, theta: Theta, figures: dict[str, Any]) -> None:
        loss = self.state.meta_loss
        told = {"meta_loss": loss if math.isfinite(loss) else None, "figures": figures}
        if self.config.family.validates:
            names = ("step", "cpu_seconds", "accuracy", "half_width")
            told["validation"] = [dict(zip(names, r, strict=True)) for r in self.validated]
        save(self.out / name, theta, {**self.metadata, **self._times(), **told})

    def _finish(self) -> Checkpoint:
        """Measure the best state (without validation: the last) and write its checkpoint."""
        theta = self.state.theta
        if self.config.family.validates:
            if not self.figures:
                self._validate()
            self._keep(LAST, theta, self.figures)
            theta = load(self.out / BEST).theta
        self._keep(IN_A_RUN, theta, self._measure(theta, self.options.n_tasks))
        return load(self.out, self.device)
