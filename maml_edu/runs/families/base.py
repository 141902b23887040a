"""What a run has to know of a family of tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from maml_edu.evaluate import Evaluation
from maml_edu.foundation.options import Options
from maml_edu.learners import LEARNERS
from maml_edu.tasks import TaskSource

if TYPE_CHECKING:
    from maml_edu.runs.config import TrainConfig


class Family:
    """A family of tasks: its options, the networks and losses that fit, and the usual settings.

    name: as in configs and on the command line. help, description, epilog: what `--help` prints.
    options: of its tasks, as a config holds them.
    networks: the names of those that fit its tasks, the usual one first.
    measure: what its evaluation measures, in words.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    description: ClassVar[str]
    epilog: ClassVar[str]
    options: ClassVar[Options]
    networks: ClassVar[tuple[str, ...]]
    loss: ClassVar[Callable]
    measure: ClassVar[str]
    validates: ClassVar[bool] = False  # whether it has tasks to choose the best state on

    @property
    def learners(self) -> tuple[str, ...]:
        return tuple(name for name, kind in LEARNERS.items() if self.name in kind.families)

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        """All options that the usual settings give a run, for those asked for."""
        raise NotImplementedError

    def sizes(self, tasks: Mapping[str, Any]) -> tuple[int, int]:
        """The inputs and outputs of a network for tasks with these options."""
        raise NotImplementedError

    def check(self, config: TrainConfig) -> None:
        """Raise an InputError where the parts of a config do not fit together."""

    def make_tasks(self, config: TrainConfig, split: str, source: Any, upright: bool) -> TaskSource:
        raise NotImplementedError

    def title(self, config: TrainConfig) -> str:
        """What to call a run in a line of output, such as "5-way 1-shot maml conv4"."""
        return config.learner.name

    def evaluation(self, config: TrainConfig, asked: Mapping[str, Any]) -> Evaluation:
        """On which tasks to measure what this config trained, unless asked otherwise."""
        raise NotImplementedError

    def data(self, tasks: TaskSource) -> str:
        """What the tasks are made of, without where it lies on this machine."""
        raise NotImplementedError
