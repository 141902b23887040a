"""Questions for a person. The quiz widget asks them; they have no scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class QuizQuestions:
    """One-shot questions: which candidate is the same character as the query?

    Pixels run from 0 for paper to 1 for ink.
    """

    query: np.ndarray  # (questions, height, width) the drawing that is asked about
    support: np.ndarray  # (questions, way, height, width) the candidates
    answer: np.ndarray  # (questions,) the right candidate, 0 to way - 1
    guesses: np.ndarray | None = None  # (questions,) what a model chose, if there is one
    model: str = "the model"  # what to call it

    @property
    def way(self) -> int:
        return self.support.shape[1]

    def __len__(self) -> int:
        return len(self.query)
