"""What a run has to know of a family of tasks."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from maml_edu.foundation.checks import refuse
from maml_edu.foundation.options import Options
from maml_edu.learners import LEARNERS, Learner
from maml_edu.outer import Training


class Config(Protocol):
    """What a family looks at in a `TrainConfig`."""

    learner: Any
    model: Any
    tasks: Any
    training: Training
    learner_class: type[Learner]


class Family:
    """A family of tasks: what a run has to know of it. Each subclass has the methods of Sine."""

    name: str  # as in configs and on the command line
    help: str  # this, description and epilog: what `--help` prints
    description: str
    epilog: str
    options: Options  # of its tasks, as a config holds them
    most: int  # samples in one meta-batch
    networks: tuple[str, ...]  # the names of those that fit its tasks, the usual one first
    loss: Callable
    measure: str  # what its evaluation measures, in words
    classifies = False
    validates = False  # whether it has tasks to choose the best state on
    measured: Mapping[str, Any] = {}  # options of a `Measurement`, where a run measures itself

    @property
    def learners(self) -> tuple[str, ...]:
        """The names of the learners that can learn its tasks."""
        return tuple(n for n, kind in LEARNERS.items() if self.classifies or not kind.needs_classes)

    def check(self, config: Config) -> None:
        """Raise an InputError where the parts of a config do not fit together."""
        training, way = config.training, config.tasks.options.get("way")
        samples = training.meta_batch * (way or 1) * (training.shots + training.queries)
        if samples > self.most:
            product = f"meta_batch x {'way x ' if way else ''}(shots + queries)"
            refuse(product, samples, f"at most {self.most:,}")
