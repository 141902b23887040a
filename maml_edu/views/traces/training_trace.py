"""The learning curve of a meta-training run."""

from collections.abc import Iterable

import numpy as np

from maml_edu.outer import TrainState
from maml_edu.views.scenes import TrainingTrace


def training(learner: str, states: Iterable[TrainState], *, measure: str = "MSE") -> TrainingTrace:
    """The learning curve of the states that `meta_train` yielded (the first has no loss).

    learner: what to call it. measure: what its loss is, for the label of the axis.
    """
    seen = [(state.step, state.meta_loss) for state in states if state.step > 0]
    steps, losses = zip(*seen, strict=True) if seen else ((), ())
    return TrainingTrace(learner, np.array(steps, int), np.array(losses, float), measure=measure)
