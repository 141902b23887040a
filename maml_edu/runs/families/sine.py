"""Regression on sine waves (Finn et al. 2017, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch.nn.functional import mse_loss

from maml_edu.evaluate import Evaluation
from maml_edu.foundation.checks import refuse
from maml_edu.foundation.options import options_of
from maml_edu.runs.families.base import Family
from maml_edu.tasks import SinusoidTasks, TaskSource

if TYPE_CHECKING:
    from maml_edu.runs.config import TrainConfig

MAX_POINTS = 1_000_000  # in one batch of tasks
ORACLE = "oracle"  # joint training that is told each wave's amplitude and phase


class Sine(Family):
    name = "sine"
    help = "regression on sine waves (seconds on a laptop)"
    description = """\
Train on the sine waves of the MAML paper (Finn et al. 2017, section 5.1). Each task is one wave
with its own amplitude and phase, seen at a few points. Some of the learners:

  maml    learns the parameters from which a few gradient steps go furthest
  joint   learns one network for all waves at once: the baseline
  oracle  joint, but told each wave's amplitude and phase: a lower bound on the error
"""
    epilog = """\
Examples:
  python -m maml_edu train sine
  python -m maml_edu train sine --learner joint --seed 1 --out runs/joint-1
  python -m maml_edu train sine --resume          (repeat the options of the first time)
  python -m maml_edu evaluate runs/sine-maml
"""
    options = options_of(SinusoidTasks)
    networks = ("mlp",)
    loss = staticmethod(mse_loss)
    measure = "query mean squared error: its mean over tasks, half-width of the 95% interval"

    @property
    def learners(self) -> tuple[str, ...]:
        return (*super().learners, ORACLE)

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        # Trained with 10 shots, as in the paper, most seeds leave some tasks of 5 shots on which
        # adapting diverges; trained with 5, few seeds do.
        usual = {"steps": 15_000, "shots": 5, "meta_lr": 1e-2}
        if options.get("learner") == ORACLE:
            if options.get("inner_steps"):
                refuse("inner_steps", options["inner_steps"], "0 for the oracle, which is told all")
            usual |= {"inner_steps": 0, "reveal_task": True}
            options = {**options, "learner": "joint"}
        return {**usual, **options}

    def sizes(self, tasks: Mapping[str, Any]) -> tuple[int, int]:
        return SinusoidTasks(**tasks).features, 1

    def check(self, config: TrainConfig) -> None:
        training = config.training
        points = training.meta_batch * (training.shots + training.queries)
        if points > MAX_POINTS:
            refuse("meta_batch x (shots + queries)", points, f"at most {MAX_POINTS:,}")

    def make_tasks(self, config: TrainConfig, split: str, source: Any, upright: bool) -> TaskSource:
        return SinusoidTasks(**config.tasks.options)

    def title(self, config: TrainConfig) -> str:
        return ORACLE if config.tasks["reveal_task"] else config.learner.name

    def evaluation(self, config: TrainConfig, asked: Mapping[str, Any]) -> Evaluation:
        adapts = config.learner["inner_steps"] > 0
        usual = {"shots": 5, "queries": 100, "inner_steps": 10 if adapts else 0, **asked}
        # as many tasks at a time as keep their states and their points within memory
        points = usual["shots"] + usual["queries"]
        chunk = min(1000, 20_000 // (usual["inner_steps"] + 1), 200_000 // points)
        return Evaluation(**usual, chunk_size=max(1, chunk))

    def data(self, tasks: TaskSource) -> str:
        return "sine waves drawn at random; no files"
