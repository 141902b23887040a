"""How good is what a run trained? Figures as JSON holds them, and what they were measured on."""

import math
import os
import platform
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import torch

import maml_edu
from maml_edu.evaluate import Estimate, evaluate
from maml_edu.foundation.checks import InputError, choice, flag, integer, positive
from maml_edu.foundation.options import check_options, option
from maml_edu.foundation.types import Device, Theta
from maml_edu.learners import Learner
from maml_edu.learners.heads import resize_head
from maml_edu.models import PROTOCOLS
from maml_edu.runs.config import TrainConfig
from maml_edu.tasks import TaskSource
from maml_edu.tasks.omniglot import SPLITS


@dataclass(frozen=True)
class Measurement:
    """What to measure on. An option that is None has the usual value of the family of tasks."""

    n_tasks: int = option(1000, integer(2, 1_000_000), "how many new tasks")
    shots: int | None = option(
        None, integer(1, 100_000), "support samples (default: sine 5, Omniglot as trained)"
    )
    queries: int | None = option(
        None, integer(1, 100_000), "query samples (default: sine 100, Omniglot 15, above 10 ways 5)"
    )
    inner_steps: int | None = option(
        None, integer(0, 1000), "gradient steps (default: sine 10, oracle 0, Omniglot 3)"
    )
    inner_lr: float | None = option(None, positive, "step size of adapting (default: as trained)")
    seed: int = option(1000, integer(0, 2**63 - 1), "the same seed gives the same tasks")
    way: int | None = option(
        None, integer(2, 1000), "characters a task (Omniglot; default: as trained)"
    )
    split: str | None = option(None, choice(SPLITS), "whose characters (Omniglot; default: test)")
    protocol: str | None = option(
        None, choice(PROTOCOLS), "batch-norm's (Omniglot; default: transductive)"
    )
    upright: bool | None = option(
        None, flag, "turn no character (Omniglot; default: turned as in training)"
    )

    def __post_init__(self):
        check_options(self)


def measure(
    config: TrainConfig,
    theta: Theta,
    how: Measurement = Measurement(),
    *,
    source: Any = "auto",
    device: Device = None,
    progress: bool = False,
) -> dict[str, Any]:
    """The query error (or, of classifiers, the accuracy) after each inner step, with its 95%
    interval.

    source: of the drawings, see `maml_edu.tasks.data.load_drawings`.
    Raises an InputError for an option that the family of tasks or the learner does not have.
    """
    trained_steps = config.learner.options.get("inner_steps", 0)
    config, learner, theta = _as_asked(config, theta, how)
    tasks = config.make_tasks(how.split or "test", source, upright=bool(how.upright))
    names = ("n_tasks", "shots", "queries", "inner_steps", "seed")
    asked = {name: getattr(how, name) for name in names if getattr(how, name) is not None}
    evaluation = config.family.evaluation(config, asked)
    estimates = evaluate(learner, theta, tasks, evaluation, device=device, progress=progress)
    protocol = {"tasks": evaluation.n_tasks}
    protocol |= {name: getattr(evaluation, name) for name in ("shots", "queries")}
    protocol |= {"inner_lr": config.learner.options.get("inner_lr"), "seed": evaluation.seed}
    if config.family.classifies:
        protocol |= {
            "way": config.tasks["way"],
            "data": config.family.data(tasks),
            "split": how.split or "test",
            **config.family.protocol(tasks),
            "batch_norm": learner.protocol,
            "trained_inner_steps": trained_steps,
        }
    figures = [_figure(estimate) for estimate in estimates]
    return {"measure": config.family.measure, "protocol": protocol, "by_inner_step": figures}


def _as_asked(
    config: TrainConfig, theta: Theta, how: Measurement
) -> tuple[TrainConfig, Learner, Theta]:
    """The config, the learner and theta with the asked inner_lr, way and protocol."""
    classifies = config.family.classifies
    lacking = {} if classifies else dict.fromkeys(("way", "split", "protocol", "upright"), "sine")
    if "rotations" not in config.tasks.options:
        lacking["upright"] = config.tasks.name
    unknown = {"inner_lr", "inner_steps"} - set(config.learner.options)
    lacking |= dict.fromkeys(unknown, config.learner.name)
    for name, who in lacking.items():
        if (value := getattr(how, name)) is not None:
            raise InputError(f"{name} is {value!r}; {who} has no {name}")
    if how.inner_lr is not None:
        if config.make_learner().param_groups(theta).get("rates_lr"):
            raise InputError(f"inner_lr is {how.inner_lr!r}; this model has learned its own rates")
        config = replace(config, learner=config.learner.with_option("inner_lr", how.inner_lr))
    learner = config.make_learner()
    if how.way is not None and how.way != config.tasks["way"]:
        config = replace(config, tasks=config.tasks.with_option("way", how.way))
        if config.learner_class.headless:
            learner = config.make_learner()
        else:
            learner, theta = resize_head(learner, theta, config.make_model())
    if classifies:
        learner = replace(learner, protocol=how.protocol or "transductive")
    return config, learner, theta


def _figure(estimate: Estimate) -> dict[str, float | None]:
    """JSON has no nan: null stands for what is not finite."""
    pair = {"mean": estimate.mean, "half_width": estimate.half_width}
    return {key: round(x, 6) if math.isfinite(x) else None for key, x in pair.items()}


def describe(config: TrainConfig, tasks: TaskSource, device: Device = "cpu") -> dict[str, Any]:
    """What is known of a run before it has run."""
    return {
        "config": config.as_json(),
        "seed": config.training.seed,
        "data": config.family.data(tasks),
        "versions": versions(),
        "hardware": hardware(device),
    }


def versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "numpy", "safetensors")}
    return {"maml_edu": maml_edu.__version__, "python": platform.python_version(), **packages}


def hardware(device: torch.device | str = "cpu") -> dict[str, Any]:
    """What it runs on, in general words: no host name."""
    known = {"cpu_cores": os.cpu_count(), "threads": torch.get_num_threads()}
    if torch.device(device).type == "cuda":
        known["gpu"] = torch.cuda.get_device_name(device)
    return {"machine": platform.machine(), "system": sys.platform, "device": str(device), **known}
