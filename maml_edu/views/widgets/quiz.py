"""The quiz: one-shot questions for a person, beside a model's answers to the same questions.

The browser gets all questions at once, so the quiz also works in a static page.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import traitlets

from maml_edu.views.scenes import QuizQuestions
from maml_edu.views.scenes.marks import ink
from maml_edu.views.widgets.player import STATIC, Described, as_text

ROUND = 10  # questions


class Score(NamedTuple):
    """Of the questions answered: how many the person got right, and how many the model."""

    right: int
    answered: int
    model_right: int | None  # None where no model guessed

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval for the fraction of right answers (see `wilson`)."""
        return wilson(self.right, self.answered)

    def __str__(self) -> str:
        if not self.answered:
            return "nothing answered yet"
        model = "" if self.model_right is None else f", the model {self.model_right}"
        reach = "{:.0%} to {:.0%}".format(*self.interval)
        return f"you {self.right} of {self.answered}{model} (your 95% interval: {reach})"


def wilson(right: int, n: int) -> tuple[float, float]:
    """The 95% interval for a fraction of which `right` of `n` were seen; (0, 1) where n is 0.

    Wilson (1927). Unlike the normal interval it has some width even at 0 of n and n of n.
    """
    if not 0 <= right <= n:
        raise ValueError(f"right is {right}; it must be from 0 to n, which is {n}")
    if n == 0:
        return 0.0, 1.0
    z, seen = 1.96, right / n
    centre = (seen + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(seen * (1 - seen) / n + z**2 / (4 * n**2))
    return max(centre - reach, 0.0), min(centre + reach, 1.0)


class Quiz(Described):
    """Asks a person the questions of a `views.scenes.QuizQuestions`, ten a round.

    `answers` holds the candidates that were chosen, in the order of the questions, and `score`
    counts them; `answers = []` starts again. ValueError for answers that are not candidates.
    """

    _esm = STATIC / "quiz.js"
    _css = STATIC / "quiz.css"

    questions = traitlets.Unicode().tag(sync=True)
    answers = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, asked: QuizQuestions, **traits: Any) -> None:
        self.asked = asked
        super().__init__(questions=_questions(asked), **traits)

    @traitlets.validate("answers")
    def _candidates(self, proposal: dict) -> list[int]:
        answers, way, n = proposal["value"], self.asked.way, len(self.asked)
        if len(answers) > n:
            raise ValueError(f"answers has {len(answers)} entries; it must have at most {n}")
        if wrong := [choice for choice in answers if not 0 <= choice < way]:
            raise ValueError(f"answers has {wrong[0]}; it must be from 0 to {way - 1}")
        return answers

    @property
    def score(self) -> Score:
        """The right answers of the person and of the model, among the questions answered."""
        n = len(self.answers)
        truth, guesses = self.asked.answer[:n], self.asked.guesses
        model = None if guesses is None else int((guesses[:n] == truth).sum())
        return Score(int((np.array(self.answers, int) == truth).sum()), n, model)

    def describe(self) -> str:
        """The quiz and its score so far, in words."""
        what = f"A quiz of {len(self.asked)} questions: which of {self.asked.way} candidates"
        return f"{what} is the same character as the query? So far: {self.score}."


def _questions(asked: QuizQuestions) -> str:
    """The questions as JSON; drawings as base64 of PNGs."""
    guesses = [None] * len(asked) if asked.guesses is None else asked.guesses.tolist()
    drawings = [ink(one) for one in asked.query], [[*map(ink, some)] for some in asked.support]
    columns = zip(*drawings, asked.answer.tolist(), guesses, strict=True)
    keys = "query", "support", "answer", "guess"
    items = [dict(zip(keys, one, strict=True)) for one in columns]
    return as_text({"way": asked.way, "round": ROUND, "model": asked.model, "items": items})
