"""What there is to learn: every source of tasks has `sample`, which gives a `TaskBatch`."""

from maml_edu.tasks.batch import TaskBatch, TaskSource
from maml_edu.tasks.omniglot import OmniglotTasks
from maml_edu.tasks.own import Classes, Curves
from maml_edu.tasks.sinusoid import SinusoidTasks

__all__ = ["Classes", "Curves", "OmniglotTasks", "SinusoidTasks", "TaskBatch", "TaskSource"]
