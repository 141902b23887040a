"""What a record tells of a run: its recipe, its figures, what it ran on."""

from __future__ import annotations

import math
import os
import platform
import sys
from importlib.metadata import version
from typing import Any

import torch

import maml_edu
from maml_edu.evaluate import Estimate, evaluate
from maml_edu.inner import Theta
from maml_edu.recipe import Recipe

PACKAGES = ("torch", "numpy", "safetensors")


def measure(
    recipe: Recipe,
    theta: Theta,
    *,
    inner_steps: int | None = None,
    inner_lr: float | None = None,
    shots: int = 5,
    queries: int = 100,
    n_tasks: int = 1000,
    seed: int = 1000,
    device: torch.device | str | None = None,
) -> dict[str, Any]:
    """The query error after each inner step, with its 95% interval, as JSON holds it.

    inner_steps: 10 unless said otherwise, and 0 for a learner that does not adapt.
    inner_lr: the recipe's unless said otherwise.
    """
    if inner_lr is not None:
        recipe = Recipe(**{**recipe.as_json(), "learner": {**recipe.learner, "inner_lr": inner_lr}})
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


def _figure(estimate: Estimate) -> dict[str, float | None]:
    """JSON has no nan: null stands for what is not finite."""
    pair = {"mean": estimate.mean, "half_width": estimate.half_width}
    return {key: round(x, 6) if math.isfinite(x) else None for key, x in pair.items()}


def describe(recipe: Recipe, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What is known of a run before it has run."""
    return {
        "config": recipe.as_json(),
        "seed": recipe.training["seed"],
        "data": "sine waves drawn at random; no files",
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
