"""A training run from start to end: progress, saving, stopping, resuming, and the final record."""

from __future__ import annotations

import math
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import maml_edu
from maml_edu.checkpoint import IN_A_RUN, Checkpoint, load, load_state, save, save_state
from maml_edu.evaluate import Estimate, evaluate
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.recipe import Recipe

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
    Raises RunError before anything is written, Stopped on Ctrl-C or SIGTERM, and Diverged; after
    the last two the folder holds the last good state.
    """
    out = Path(out)
    state, seconds = _resumed(out, recipe) if resume else (_fresh(out), 0.0)
    if save_every < 1:
        raise RunError(f"save_every is {save_every}; it must be a whole number, 1 or more")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"out is {str(out)!r}; it cannot be made a folder: {error.strerror}") from None
    learner, tasks = recipe.make_learner(), recipe.make_tasks()
    states = meta_train(
        learner,
        tasks,
        state=state,
        every=min(LOOK_EVERY, save_every),
        device=device,
        progress=progress,
        **recipe.training,
    )
    began = time.perf_counter() - seconds
    with _stop_requests() as stop:
        state = _run(states, state, recipe, out / STATE_FILE, save_every, began, stop)
    seconds = time.perf_counter() - began
    record = {
        **describe(recipe, device),
        "command": command,
        "seconds": round(seconds, 1),
        "meta_loss": state.meta_loss if math.isfinite(state.meta_loss) else None,
        "figures": measure(learner, state.theta, recipe, n_tasks=n_tasks, device=device),
    }
    save(out / IN_A_RUN, state.theta, record)
    return load(out, device)


def _run(
    states: Iterator[TrainState],
    state: TrainState | None,
    recipe: Recipe,
    file: Path,
    save_every: int,
    began: float,
    stop: threading.Event,
) -> TrainState:
    """Go through the states and save one every `save_every` steps, and the last."""
    saved = state

    def keep(state: TrainState) -> None:
        nonlocal saved
        if saved is not state:
            save_state(file, state, recipe, time.perf_counter() - began)
            saved = state

    try:
        for new in states:
            if not all(p.isfinite().all() for p in new.theta.values()):
                raise Diverged(f"theta is no longer finite at step {new.step}; try a smaller meta_lr")
            state = new
            if saved is None or state.step - saved.step >= save_every:
                keep(state)
            if stop.is_set():
                raise Stopped(f"stopped at step {state.step} of {recipe.training['steps']}, which is saved")
    finally:  # however it ends, the last good state is on the disk
        if state is not None:
            keep(state)
    return state


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event, so that no save is cut in two."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread may listen to signals
        return

    def request(number, frame):
        if event.is_set():
            raise KeyboardInterrupt  # asked twice: now, then
        event.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _fresh(out: Path) -> None:
    if any((out / name).exists() for name in (STATE_FILE, f"{IN_A_RUN}.json")):
        raise RunError(f"{out} already holds a run; go on from it with --resume, or choose another --out")


def _resumed(out: Path, recipe: Recipe) -> tuple[TrainState, float]:
    if not (out / STATE_FILE).exists():
        raise RunError(f"{out} holds no run to resume; leave out --resume to start one")
    state, theirs, seconds = load_state(out / STATE_FILE)
    if difference := recipe.difference(theirs):
        raise RunError(f"{out} holds another run, which cannot be resumed as this one: {difference}")
    return state, seconds


def measure(learner, theta, recipe: Recipe, *, inner_steps: int | None = None, shots: int = 5,
            queries: int = 100, n_tasks: int = 1000, seed: int = 1000, device=None) -> dict[str, Any]:
    """The query error after each inner step, with its 95% interval, as a record holds it.

    inner_steps: 10 unless said otherwise, and 0 for a learner that does not adapt.
    """
    if inner_steps is None:
        inner_steps = 10 if learner.inner_steps else 0
    protocol = {"tasks": n_tasks, "shots": shots, "queries": queries, "seed": seed}
    estimates = evaluate(
        learner, theta, recipe.make_tasks(), inner_steps=inner_steps, n_tasks=n_tasks,
        shots=shots, queries=queries, seed=seed, device=device,
    )
    return {
        "measure": "query mean squared error, mean over tasks and half-width of its 95% interval",
        "protocol": protocol,
        "by_inner_step": [_figure(estimate) for estimate in estimates],
    }


def _figure(estimate: Estimate) -> dict[str, float | None]:
    pair = {"mean": estimate.mean, "half_width": estimate.half_width}
    return {k: round(v, 6) if math.isfinite(v) else None for k, v in pair.items()}


def describe(recipe: Recipe, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What a record says about a run before it has run."""
    packages = ("torch", "numpy", "safetensors")
    return {
        "config": recipe.as_json(),
        "seed": recipe.training["seed"],
        "data": "sine waves drawn at random; no files",
        "versions": {
            "maml_edu": maml_edu.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        "hardware": hardware(device),
    }


def hardware(device: torch.device | str = "cpu") -> dict[str, Any]:
    """What it ran on, in general words."""
    known = {"cpu_cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if torch.device(device).type == "cuda":
        known["gpu"] = torch.cuda.get_device_name(device)
    return {"machine": platform.machine(), "system": sys.platform, "device": str(device), **known}
