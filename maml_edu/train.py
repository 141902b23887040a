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

from maml_edu.checkpoint import IN_A_RUN, Checkpoint, load, load_state, save, save_state
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.recipe import Recipe
from maml_edu.report import describe, measure
from maml_edu.run_state import Spent

STATE_FILE = "state.safetensors"
LOOK_EVERY = 100  # meta-steps between two looks at the loss, and at whether to stop


class RunError(ValueError):
    """A run that cannot start; the message says why and what to do."""


class Stopped(Exception):
    """Somebody asked the run to stop, and its state was saved."""


def run_training(
    recipe: Recipe,
    out: str | os.PathLike,
    *,
    resume: bool = False,
    device: torch.device | str = "cpu",
    save_every: int = 1000,
    command: str = "",
    n_tasks: int = 1000,
    progress: bool = False,
) -> Checkpoint:
    """Train by a recipe in the folder `out`, evaluate, and leave a checkpoint there.

    resume: go on from the state in `out`, bit for bit as if the run had never stopped.
    save_every: meta-steps between two saves of the state.
    n_tasks: how many new tasks the final figures are measured on.
    Raises RunError (or CheckpointError) before anything is written; Stopped on Ctrl-C or SIGTERM,
    and Diverged, both of which leave the last good state in the folder.
    """
    out = Path(out)
    if save_every < 1:
        raise RunError(f"save_every is {save_every}; it must be a whole number, 1 or more")
    state, spent = _resumed(out, recipe) if resume else (_fresh(out), (0.0, 0.0))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"it cannot be made a folder ({error.strerror})"
        raise RunError(f"out is {str(out)!r}; {reason}") from None
    states = meta_train(
        recipe.make_learner(),
        recipe.make_tasks(),
        state=state,
        every=min(LOOK_EVERY, save_every),
        device=device,
        progress=progress,
        **recipe.training,
    )
    clock = _Clock(spent)
    kept = _saving(states, state, recipe, out / STATE_FILE, save_every, clock)
    with _stop_requests() as stop, closing(kept):
        for state in kept:
            if stop.is_set():
                at = f"{state.step} of {recipe.training['steps']}"
                raise Stopped(f"stopped at step {at}; the state is saved in {out}")
    theta = {name: p.to(device) for name, p in state.theta.items()}
    record = {
        **describe(recipe, device),
        "command": command,
        **clock.record(),
        "meta_loss": state.meta_loss if math.isfinite(state.meta_loss) else None,
        "figures": measure(recipe, theta, n_tasks=n_tasks, device=device),
    }
    save(out / IN_A_RUN, theta, record)
    return load(out, device)


def _saving(
    states: Generator[TrainState],
    last: TrainState | None,
    recipe: Recipe,
    file: Path,
    save_every: int,
    clock: _Clock,
) -> Generator[TrainState]:
    """Pass the states on, saving one every `save_every` steps and, however it ends, the last."""
    saved = last

    def keep() -> None:
        nonlocal saved
        if saved is not last:
            save_state(file, last, recipe, clock.spent())
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


def _resumed(out: Path, recipe: Recipe) -> tuple[TrainState, Spent]:
    if not (out / STATE_FILE).exists():
        raise RunError(f"{out} holds no run to resume; leave out --resume to start one")
    state, theirs, spent = load_state(out / STATE_FILE)
    if difference := recipe.difference(theirs):
        raise RunError(f"{out} holds another run, which this cannot go on from: {difference}")
    return state, spent
