"""The quiz: one-shot questions for a person, beside a model's answers to the very same ones.

All questions travel to the browser at once, which asks, tells and counts by itself; so the quiz
also works in a static page. The choices come back in `answers`.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import anywidget
import numpy as np
import traitlets

from maml_edu.views.scenes.ink import ink
from maml_edu.views.scenes.records import Quiz as QuizRecord
from maml_edu.views.widgets.player import STATIC

ROUND = 10  # questions


class Score(NamedTuple):
    """How many of the answered questions were answered rightly, and by the model."""

    right: int
    answered: int
    model_right: int | None  # None where no model guessed

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval for the share of right answers (see `wilson`)."""
        return wilson(self.right, self.answered)

    def __str__(self) -> str:
        if not self.answered:
            return "nothing answered yet"
        model = "" if self.model_right is None else f", the model {self.model_right}"
        low, high = self.interval
        you = f"you {self.right} of {self.answered}{model}"
        return f"{you} (your 95% interval: {low:.0%} to {high:.0%})"


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95% interval for a share of which `right` of `n` were seen; (0, 1) where n is 0.

    Wilson (1927): all shares p from which the seen one is within 1.96 of *p's own* standard errors.
    Unlike the normal interval it has some width even at 0 of n and n of n.
    """
    if not 0 <= right <= n:
        raise ValueError(f"right is {right}; it must be 0 to n, which is {n}")
    if n == 0:
        return 0.0, 1.0
    z, share = 1.96, right / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


class Quiz(anywidget.AnyWidget):
    """Asks a person the questions of a `maml_edu.views.scenes.records.Quiz`, ten a round.

    `answers` holds the candidates that she chose, in the order of the questions, and `score` counts
    them; `answers = []` begins anew. Raises a ValueError for answers that are no candidates.
    """

    _esm = STATIC / "quiz.js"
    _css = STATIC / "quiz.css"

    questions = traitlets.Unicode().tag(sync=True)
    answers = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, record: QuizRecord, **traits: Any) -> None:
        self.record = record
        super().__init__(questions=_as_text(record), **traits)

    @traitlets.validate("answers")
    def _candidates(self, proposal: dict) -> list[int]:
        answers = proposal["value"]
        if len(answers) > len(self.record):
            raise ValueError(f"answers has {len(answers)}; there are {len(self.record)} questions")
        for choice in answers:
            if not 0 <= choice < self.record.way:
                raise ValueError(f"answers has {choice}; allowed are 0 to {self.record.way - 1}")
        return answers

    @property
    def score(self) -> Score:
        """Her right answers and the model's, of the questions that she has answered."""
        n, truth = len(self.answers), self.record.answer
        guesses = self.record.guesses
        model = None if guesses is None else int((guesses[:n] == truth[:n]).sum())
        return Score(int((np.array(self.answers, int) == truth[:n]).sum()), n, model)

    def describe(self) -> str:
        """What this is and how it stands, in words."""
        what = f"A quiz of {len(self.record)} questions: which of {self.record.way} candidates"
        return f"{what} is the same character as the query? So far: {self.score}."

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it its text for readers without JavaScript."""
        made = super()._repr_mimebundle_(**options)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        return {**data, "text/plain": self.describe()}, metadata


def _as_text(record: QuizRecord) -> str:
    """The questions as JSON; drawings as base64 of PNGs."""
    guesses = [None] * len(record) if record.guesses is None else record.guesses.tolist()
    asked = zip(record.query, record.support, record.answer.tolist(), guesses, strict=True)
    return json.dumps(
        {
            "way": record.way,
            "round": ROUND,
            "model": record.model,
            "items": [
                {
                    "query": ink(query),
                    "support": [ink(one) for one in support],
                    "answer": answer,
                    "guess": guess,
                }
                for query, support, answer, guess in asked
            ],
        },
        separators=(",", ":"),
    )
