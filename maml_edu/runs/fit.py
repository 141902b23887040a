"""Meta-train on a reader's own tasks: validation, early stopping, and files of it all."""

import math
import os
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from maml_edu.evaluate import Evaluation, accuracy, evaluate
from maml_edu.foundation.checks import InputError, at_least, choice
from maml_edu.foundation.types import Device, Theta
from maml_edu.learners import Learner
from maml_edu.outer import Training, meta_train
from maml_edu.runs.history import History
from maml_edu.runs.learner_files import save_learner
from maml_edu.runs.training_state import RunError, start_from
from maml_edu.tasks import TaskSource

COLUMNS = ("step", "meta_loss", "validation", "half_width")
LEARNER = "learner"  # its file in the folder


@dataclass(frozen=True)
class Fitted:
    """theta: of the best validation; without validation, the last. step: when that was.
    history: a row for each look, by COLUMNS; what was not measured is nan."""

    theta: Theta
    step: int
    history: list[dict[str, float]]


@dataclass(frozen=True)
class Validation:
    """How a training is watched: on tasks of other classes, after every `every` meta-steps.

    how: how they are measured; what counts is the last inner step.
    best: "lowest" or "highest" value of `how.metric`. Default: the lowest loss, the highest
        `accuracy`; with another metric it must be said.
    patience: stop after so many looks without a better one. Default: never.
    """

    tasks: TaskSource
    how: Evaluation = Evaluation()
    best: str | None = None
    every: int = 100
    patience: int | None = None

    def __post_init__(self):
        at_least(1, every=self.every)
        if self.patience is not None:
            at_least(1, patience=self.patience)
        if self.best is None and self.how.metric not in (None, accuracy):
            raise InputError('best is None; say which value of this metric is: "lowest", "highest"')
        if self.best is not None:
            choice(("lowest", "highest"))("best", self.best)

    def badness(self, value: float) -> float:
        """Lower is better; nan is worst."""
        highest = self.best == "highest" or (self.best is None and self.how.metric is accuracy)
        return math.inf if math.isnan(value) else -value if highest else value


def fit(
    learner: Learner,
    tasks: TaskSource,
    training: Training,
    validation: Validation | None = None,
    *,
    out: str | os.PathLike | None = None,
    start: Theta | None = None,
    progress: bool = False,
    device: Device = None,
) -> Fitted:
    """Meta-train, and keep the theta that is best on validation tasks. Default: the last one.

    out: a folder that gets `history.csv`, a line a look, and the best learner so far (see
        `runs.learner_files.load_learner`). Default: nothing is written.
    start: parameters to begin at, such as a trained network's. Default: the learner's own.
    Raises InputError; and `outer.Diverged`, where the best so far stays in the folder.
    """
    history = None if out is None else _new_history(Path(out))
    begin = None if start is None else start_from(start, learner, seed=training.seed)
    every = validation.every if validation else 100
    how = {"state": begin, "every": every, "progress": progress, "device": device}
    rows: list[dict[str, float]] = []
    kept, least, waited = None, math.inf, 0
    first = [begin] if begin else []  # meta_train yields a start of its own alone
    for state in chain(first, meta_train(learner, tasks, training, **how)):
        row, badness = {"step": state.step, "meta_loss": state.meta_loss}, -math.inf
        if validation is not None:
            ends = evaluate(learner, state.theta, validation.tasks, validation.how, device=device)
            row |= {"validation": ends[-1].mean, "half_width": ends[-1].half_width}
            badness = validation.badness(ends[-1].mean)
        rows.append(row)
        if history is not None:
            history.add(**{k: "" if math.isnan(v) else v for k, v in row.items()})
        waited += 1
        if kept is None or badness < least or validation is None:
            kept, least, waited = Fitted(state.theta, state.step, rows), badness, 0
            if out is not None:
                save_learner(Path(out) / LEARNER, learner, state.theta)
        if validation is not None and waited == validation.patience:
            break
    return kept


def _new_history(out: Path) -> History:
    if (out / f"{LEARNER}.safetensors").exists():
        raise RunError(f"{out} holds a trained learner already; choose another out")
    out.mkdir(parents=True, exist_ok=True)
    return History(out, -1, columns=COLUMNS)
