"""Exercise 06.2 asks for the weights that the package's MAML++ has."""

from __future__ import annotations

import pytest

from maml_edu import exercises
from maml_edu.learners import MAMLPlusPlus
from maml_edu.models import mlp


@pytest.mark.parametrize("done", [0.0, 0.4, 1.0])
def test_the_weights_are_those_of_the_learner(done):
    learner = MAMLPlusPlus(mlp(1, 4, 1), inner_steps=4, annealing=0.5)
    right = exercises.check_step_weights.pose().right
    assert learner.at_progress(0.5 * done).last_weight == pytest.approx(right(done, 4)[-1].item())
