"""What there is to learn: a source of tasks has `sample`, and gives a `TaskBatch`."""

from maml_edu.tasks.batch import TaskBatch, TaskSource
from maml_edu.tasks.omniglot import OmniglotTasks
from maml_edu.tasks.sinusoid import SinusoidTasks

__all__ = ["OmniglotTasks", "SinusoidTasks", "TaskBatch", "TaskSource"]
