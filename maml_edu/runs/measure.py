"""What a record tells of a run: its recipe, its figures, what it ran on."""

from __future__ import annotations

import math
import os
import platform
import sys
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import torch

import maml_edu
from maml_edu.evaluate import Estimate, accuracy, evaluate
from maml_edu.foundation.types import Theta
from maml_edu.runs.config import TrainConfig
from maml_edu.tasks import OmniglotTasks, TaskSource

PACKAGES = ("torch", "numpy", "safetensors")


def measure(
    recipe: TrainConfig,
    theta: Theta,
    *,
    inner_steps: int | None = None,
    inner_lr: float | None = None,
    shots: int | None = None,
    queries: int | None = None,
    n_tasks: int = 1000,
    seed: int = 1000,
    device: torch.device | str | None = None,
    **omniglot: Any,
) -> dict[str, Any]:
    """The query error (or, of classifiers, the accuracy) after each inner step, with its 95%
    interval, as JSON holds it.

    inner_steps: 10 unless said otherwise (3 for classifiers, as in the paper), and 0 for a learner
        that does not adapt.
    inner_lr: the recipe's unless said otherwise.
    shots, queries: 5 and 100; of classifiers, as many shots as trained with, and 15 queries a
        character up to 10 ways, 5 above.
    omniglot: `split`, `protocol`, `upright` and `source`, for classifiers alone; see
        `_measure_classifier`.
    """
    if recipe.family == "omniglot":
        return _measure_classifier(
            recipe,
            theta,
            inner_steps=inner_steps,
            shots=shots,
            queries=queries,
            n_tasks=n_tasks,
            seed=seed,
            device=device,
            **omniglot,
        )
    shots, queries = shots or 5, queries or 100
    if inner_lr is not None:
        recipe = TrainConfig(
            **{**recipe.as_json(), "learner": {**recipe.learner, "inner_lr": inner_lr}}
        )
    learner = recipe.make_learner()
    if inner_steps is None:
        inner_steps = 10 if learner.inner_steps else 0
    estimates = evaluate(
        learner,
        theta,
        recipe.make_tasks(),
        inner_steps=inner_steps,
        n_tasks=n_tasks,
        shots=shots,
        queries=queries,
        seed=seed,
        device=device,
        # so many tasks at a time as keep their states and their points within memory
        chunk_size=max(1, min(1000, 20_000 // (inner_steps + 1), 200_000 // (shots + queries))),
    )
    return {
        "measure": "query mean squared error: its mean over tasks, half-width of the 95% interval",
        "protocol": {
            "tasks": n_tasks,
            "shots": shots,
            "queries": queries,
            "inner_lr": recipe.learner["inner_lr"],
            "seed": seed,
        },
        "by_inner_step": [_figure(estimate) for estimate in estimates],
    }


def _measure_classifier(
    recipe: TrainConfig,
    theta: Theta,
    *,
    inner_steps: int | None,
    shots: int | None,
    queries: int | None,
    n_tasks: int,
    seed: int,
    device: torch.device | str | None,
    split: str = "test",
    protocol: str = "transductive",
    upright: bool = False,
    source: Any = "auto",
) -> dict[str, Any]:
    """split: whose characters. protocol: batch-norm's, see `maml_edu.models.protocol`. upright: no
    character turned; otherwise they are as in training, which is the paper's way. source: of the
    drawings, see `maml_edu.tasks.data.load_drawings`."""
    learner = replace(recipe.make_learner(), protocol=protocol)
    tasks = recipe.make_tasks(split, source, upright=upright)
    way = tasks.way
    shots = recipe.training["shots"] if shots is None else shots
    queries = (15 if way <= 10 else 5) if queries is None else queries
    inner_steps = 3 if inner_steps is None else inner_steps
    estimates = evaluate(
        learner,
        theta,
        tasks,
        inner_steps=inner_steps,
        n_tasks=n_tasks,
        shots=shots,
        queries=queries,
        metric=accuracy,
        seed=seed,
        device=device,
        chunk_size=max(1, 400 // (way * (shots + queries))),
        lot=50,
    )
    return {
        "measure": "query accuracy: its mean over tasks, half-width of the 95% interval",
        "protocol": {
            "tasks": n_tasks,
            "way": way,
            "shots": shots,
            "queries": queries,
            "seed": seed,
            "data": data_of(tasks),
            "split": split,
            "rotations": tasks.rotations,
            "batch_norm": protocol,
            "trained_inner_steps": recipe.learner.get("inner_steps", 0),
            "inner_lr": recipe.learner.get("inner_lr"),
        },
        "by_inner_step": [_figure(estimate) for estimate in estimates],
    }


def data_of(tasks: TaskSource) -> str:
    """What the drawings are, without where they lie on this machine."""
    if not isinstance(tasks, OmniglotTasks):
        return "sine waves drawn at random; no files"
    name = "Omniglot" if tasks.drawings.omniglot else "stand-in, not Omniglot"
    return f"{name}, {len(tasks.drawings.names)} characters, split by the SHA-256 of their names"


def _figure(estimate: Estimate) -> dict[str, float | None]:
    """JSON has no nan: null stands for what is not finite."""
    pair = {"mean": estimate.mean, "half_width": estimate.half_width}
    return {key: round(x, 6) if math.isfinite(x) else None for key, x in pair.items()}


def describe(
    recipe: TrainConfig, device: torch.device | str = "cpu", data: str = ""
) -> dict[str, Any]:
    """What is known of a run before it has run. data: what it is trained on, as `data_of` says."""
    return {
        "config": recipe.as_json(),
        "seed": recipe.training["seed"],
        "data": data or "sine waves drawn at random; no files",
        "versions": versions(),
        "hardware": hardware(device),
    }


def versions() -> dict[str, str]:
    return {
        "maml_edu": maml_edu.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def hardware(device: torch.device | str = "cpu") -> dict[str, Any]:
    """What it runs on, in general words: no host name."""
    known = {"cpu_cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if torch.device(device).type == "cuda":
        known["gpu"] = torch.cuda.get_device_name(device)
    return {"machine": platform.machine(), "system": sys.platform, "device": str(device), **known}
