"""Checks of a learner's own code, by its behaviour. Each returns a `Verdict` and never raises."""

from maml_edu.exercises.judge import Verdict, judge

__all__ = ["Verdict", "judge"]
