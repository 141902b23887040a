"""A training run from start to end: progress, saving, stopping, resuming, and the final record."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import torch

from maml_edu.foundation.types import Theta
from maml_edu.foundation.workers import ALONE, Workers
from maml_edu.learners import Learner
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.runs.checkpoint import IN_A_RUN, Checkpoint, load, load_state, save, save_state
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import data_of, describe, measure
from maml_edu.runs.training_state import Spent, Validated
from maml_edu.tasks.data import Drawings

STATE_FILE = "state.safetensors"
BEST, LAST = "best", "last"  # by validation accuracy, and by step
LOOK_EVERY = 100  # meta-steps between two looks at the loss, and at whether to stop


class RunError(ValueError):
    """A run that cannot start; the message says why and what to do."""


class Stopped(Exception):
    """Somebody asked the run to stop, and its state was saved."""


def run_training(
    recipe: TrainConfig,
    out: str | os.PathLike,
    *,
    resume: bool = False,
    device: torch.device | str = "cpu",
    save_every: int = 1000,
    command: str = "",
    n_tasks: int = 1000,
    progress: bool = False,
    source: str | os.PathLike | Drawings = "auto",
    start: Checkpoint | None = None,
    validate_every: int = 500,
    workers: Workers = ALONE,
) -> Checkpoint | None:
    """Train by a recipe in the folder `out`, evaluate, and leave a checkpoint there.

    resume: go on from the state in `out`, bit for bit as if the run had never stopped.
    save_every: meta-steps between two saves of the state.
    n_tasks: how many new tasks the final figures are measured on.
    source: of the drawings (see `maml_edu.tasks.data.load_drawings`), for Omniglot alone.
    start: begin at its theta, whose head is made to fit (see `start_from`); the recipe names it.
    validate_every: meta-steps between two measurements on validation characters, for Omniglot
        alone. The best state so far is kept as `best`, and is what `checkpoint` holds in the end;
        `last` holds the last.
    workers: who train together, each calling this. The first alone touches the folder, and gets the
        checkpoint; the others get None. Started anew after one was lost, they go on from the last
        state in the folder, if there is one.
    Raises RunError (or CheckpointError) before anything is written; Stopped on Ctrl-C or SIGTERM,
    and Diverged, both of which leave the last good state in the folder.
    """
    out = Path(out)
    if save_every < 1:
        raise RunError(f"save_every is {save_every}; it must be a whole number, 1 or more")
    if validate_every < 1:
        raise RunError(f"validate_every is {validate_every}; it must be a whole number, 1 or more")
    learner, tasks = recipe.make_learner(training=True), recipe.make_tasks("train", source)
    workers.check(recipe.training["meta_batch"])

    def begin() -> tuple[TrainState | None, Spent, list[Validated]]:
        again = resume or (workers.restarted and (out / STATE_FILE).exists())
        state, *rest = _resumed(out, recipe) if again else (_fresh(out), (0.0, 0.0), [])
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"it cannot be made a folder ({error.strerror})"
            raise RunError(f"out is {str(out)!r}; {reason}") from None
        return state, *rest

    state, spent, validated = workers.from_first(begin)
    if state is None and start is not None:
        state = start_from(start.theta, learner, seed=recipe.training["seed"])
    states = meta_train(
        learner,
        tasks,
        state=state,
        every=min(LOOK_EVERY, save_every, validate_every),
        device=device,
        progress=progress and workers.first,
        workers=workers,
        **{
            key: value
            for key, value in recipe.training.items()
            if key not in ("start", "precision")
        },
    )
    clock = _Clock(spent)
    about = {**describe(recipe, device, data_of(tasks)), "command": command}
    if workers.count > 1:
        about["hardware"]["workers"] = workers.count
    if start is not None:
        about["started_from"] = _ancestor(start)
    validation = _Validation(recipe, validated, validate_every, source, device)
    validation.wanted &= workers.first

    def keep(name: str, theta: Theta, figures: dict, meta_loss: float) -> None:
        found = {"meta_loss": meta_loss if math.isfinite(meta_loss) else None, "figures": figures}
        if validation.wanted:
            found["validation"] = validation.as_json()
        save(out / name, theta, {**about, **clock.record(), **found})

    file = out / STATE_FILE if workers.first else None
    kept = _saving(states, state, recipe, file, save_every, clock, validated)
    with _stop_requests() as stop, closing(kept):
        for state in kept:
            if validation.due(state.step):
                figures = validation.measure(state, clock.spent()[1])
                if validation.best_at(state.step):
                    keep(BEST, state.theta, figures, state.meta_loss)
            if workers.any(stop.is_set()):
                at = f"{state.step} of {recipe.training['steps']}"
                raise Stopped(f"stopped at step {at}; the state is saved in {out}")
    if not workers.first:
        return None
    theta = {name: p.to(device) for name, p in state.theta.items()}
    how = {"n_tasks": n_tasks, "device": device}
    if validation.wanted:
        keep(LAST, theta, validation.figures, state.meta_loss)
        theta = load(out / BEST, device).theta
        how["source"] = source
    keep(IN_A_RUN, theta, measure(recipe, theta, **how), state.meta_loss)
    return load(out, device)


class _Validation:
    """How good a classifier's states are on the validation characters, and which was the best."""

    n_tasks = 200

    def __init__(self, recipe, validated: list[Validated], every: int, source, device):
        self.recipe, self.validated, self.every = recipe, validated, every
        self.how = {"n_tasks": self.n_tasks, "split": "validation", "source": source}
        self.how["device"] = device
        self.wanted = recipe.family == "omniglot"
        self.figures: dict = {}

    def due(self, step: int) -> bool:
        last = self.validated[-1][0] if self.validated else 0
        end = step == self.recipe.training["steps"] and (step > last or not self.figures)
        return self.wanted and (end or step >= last + self.every)

    def measure(self, state: TrainState, cpu_seconds: float) -> dict:
        self.figures = measure(self.recipe, state.theta, **self.how)
        found = self.figures["by_inner_step"][-1]
        while self.validated and self.validated[-1][0] >= state.step:
            self.validated.pop()
        row = (state.step, round(cpu_seconds, 1), found["mean"], found["half_width"])
        self.validated.append(row)
        return self.figures

    def best_at(self, step: int) -> bool:
        return max(self.validated, key=lambda row: row[2])[0] == step

    def as_json(self) -> list[dict]:
        names = ("step", "cpu_seconds", "accuracy", "half_width")
        return [dict(zip(names, row, strict=True)) for row in self.validated]


def start_from(theta: Theta, learner: Learner, *, seed: int) -> TrainState:
    """The state before the first step of a training that starts at another's theta.

    Tensors of the same name and shape are taken over. Of a head for another way, each class gets
    the mean of the old classes' rows; without an old head, all classes get the mean of fresh rows:
    which class a label means is dealt anew in each task, so no row should stand out.
    """
    generator = torch.Generator().manual_seed(seed)
    fresh = learner.init(generator=generator)
    for name, p in fresh.items():
        found = theta.get(name)
        if name.startswith("head."):
            p = (p if found is None else found.to(p)).mean(0, keepdim=True).expand_as(p).clone()
        elif found is not None and found.shape == p.shape:
            p = found.to(p).clone()
        fresh[name] = p
    return TrainState(0, fresh, {}, generator.get_state(), math.nan)


def _ancestor(start: Checkpoint) -> dict:
    """What a record tells of the checkpoint that it started from."""
    keys = ("sha256", "config", "command", "seconds", "cpu_seconds", "started_from")
    return {key: start.record[key] for key in keys if key in start.record}


def _saving(
    states: Generator[TrainState],
    last: TrainState | None,
    recipe: TrainConfig,
    file: Path | None,
    save_every: int,
    clock: _Clock,
    validated: list[Validated],
) -> Generator[TrainState]:
    """Pass the states on, saving one every `save_every` steps and, however it ends, the last.

    file: where to; None for a worker that saves nothing.
    """
    saved = last

    def keep() -> None:
        nonlocal saved
        if file is not None and saved is not last:
            save_state(file, last, recipe, clock.spent(), validated)
            saved = last

    if last is not None:
        yield last
    try:
        for state in states:
            if not all(p.isfinite().all() for p in state.theta.values()):
                raise Diverged(f"theta is not finite at step {state.step}; try a smaller meta_lr")
            last = state
            if saved is None or last.step - saved.step >= save_every:
                keep()
            yield last
    finally:
        states.close()
        keep()


class _Clock:
    """What a run has spent, resumed parts and all."""

    def __init__(self, spent: Spent):
        self._began = time.perf_counter() - spent[0], time.process_time() - spent[1]

    def spent(self) -> Spent:
        return time.perf_counter() - self._began[0], time.process_time() - self._began[1]

    def record(self) -> dict[str, float]:
        """Seconds by the clock, and of the processor: these count no waiting for other programs."""
        names = ("seconds", "cpu_seconds")
        return {name: round(value, 1) for name, value in zip(names, self.spent(), strict=True)}


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event, so that no save is cut in two."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread may listen to signals
        return

    def request(number, frame):
        if event.is_set():
            raise KeyboardInterrupt  # asked twice: at once
        event.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fresh(out: Path) -> None:
    if any((out / name).exists() for name in (STATE_FILE, f"{IN_A_RUN}.json")):
        raise RunError(f"{out} holds a run already; add --resume to go on, or choose another --out")


def _resumed(out: Path, recipe: TrainConfig) -> tuple[TrainState, Spent, list[Validated]]:
    if not (out / STATE_FILE).exists():
        raise RunError(f"{out} holds no run to resume; leave out --resume to start one")
    state, theirs, spent, validated = load_state(out / STATE_FILE)
    if difference := recipe.difference(theirs):
        raise RunError(f"{out} holds another run, which this cannot go on from: {difference}")
    return state, spent, validated
