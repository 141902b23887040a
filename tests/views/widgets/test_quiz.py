"""The quiz without a browser: questions out, answers in, and the score that they make."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from maml_edu.tasks import TaskBatch
from maml_edu.views import traces
from maml_edu.views.scenes import QuizQuestions
from maml_edu.views.widgets import Quiz
from maml_edu.views.widgets.quiz import wilson


def made_up(questions: int = 12, way: int = 5, guesses: bool = True) -> QuizQuestions:
    rng = np.random.default_rng(0)
    answer = np.arange(questions) % way
    return QuizQuestions(
        query=rng.random((questions, 28, 28)),
        support=rng.random((questions, way, 28, 28)),
        answer=answer,
        guesses=np.where(np.arange(questions) < 6, answer, (answer + 1) % way) if guesses else None,
    )


def batch(way: int = 3, queries: int = 2, n_tasks: int = 50) -> TaskBatch:
    """Tasks whose pictures are full of one value, its own for each label and task."""
    labels = torch.arange(way).expand(n_tasks, way)
    value = (labels + way * torch.arange(n_tasks)[:, None]).float() / (way * n_tasks)
    of_queries = labels.repeat_interleave(queries, 1)
    of_asked = value.repeat_interleave(queries, 1)

    def pictures(values):
        return values[..., None, None, None].expand(*values.shape, 1, 28, 28)

    return TaskBatch(pictures(value), labels, pictures(of_asked), of_queries)


def test_the_score_counts_her_answers_and_the_model_on_the_same():
    quiz = Quiz(made_up())
    assert quiz.score == (0, 0, 0)
    assert str(quiz.score) == "nothing answered yet"
    quiz.answers = [0, 1, 2, 3, 4, 0, 0, 0]  # the first six are right, then 1 and 2 would be
    assert quiz.score == (6, 8, 6)
    quiz.answers = [1, 1]
    assert quiz.score == (1, 2, 2)
    assert "you 1 of 2, the model 2" in str(quiz.score)
    assert "So far: you 1 of 2" in quiz.describe()


def test_without_a_model_only_she_is_counted():
    quiz = Quiz(made_up(guesses=False), answers=[0])
    assert quiz.score == (1, 1, None)
    assert "model" not in str(quiz.score)


@pytest.mark.parametrize(
    ("answers", "words"),
    [([5], "answers has 5; .* 0 to 4"), ([-1], "answers has -1; .* 0 to 4"),
     ([0] * 13, "answers has 13 .* 12")],
)  # fmt: skip
def test_answers_that_are_none_are_refused(answers, words):
    quiz = Quiz(made_up(), answers=[1])
    with pytest.raises(ValueError, match=words):
        quiz.answers = answers
    assert quiz.answers == [1]


def test_all_that_the_browser_needs_is_in_the_questions():
    asked = made_up(way=20)
    sent = json.loads(Quiz(asked).questions)
    assert (sent["way"], len(sent["items"])) == (20, 12)
    assert [item["answer"] for item in sent["items"]] == asked.answer.tolist()
    assert [item["guess"] for item in sent["items"]] == asked.guesses.tolist()
    assert {len(item["support"]) for item in sent["items"]} == {20}


def test_wilsons_interval():
    """Its ends are the shares from which the seen one is 1.96 of their standard errors away."""
    for right, n in [(7, 10), (1, 30), (150, 300)]:
        for p in wilson(right, n):
            assert abs(right / n - p) == pytest.approx(1.96 * (p * (1 - p) / n) ** 0.5)
    assert wilson(0, 0) == (0, 1)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == 1
    assert wilson(10, 10)[0] == pytest.approx(0.722, abs=1e-3)
    with pytest.raises(ValueError, match="right is 3; .* 2"):
        wilson(3, 2)


def test_a_question_asks_for_what_is_there():
    tasks = batch()
    guesses = (tasks.query_y + 1) % 3
    asked = traces.quiz(tasks, guesses, generator=torch.Generator().manual_seed(0))
    found = (asked.support == asked.query[:, None]).all((2, 3))
    assert (found.sum(1) == 1).all()
    assert (found.argmax(1) == asked.answer).all()
    assert (asked.guesses == (asked.answer + 1) % 3).all()
    assert set(asked.answer) == {0, 1, 2}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"support_x": torch.zeros(50, 3, 1)},
            r"support_x is \(50, 3, 1\); .* \(tasks, way, 1, height, width\)",
        ),
        ({"support_y": torch.zeros(50, 3, dtype=torch.long)}, "support_y does not have each label"),
    ],
)
def test_other_tasks_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        traces.quiz(batch()._replace(**change))


def test_guesses_are_one_a_query():
    with pytest.raises(ValueError, match=r"guesses is \(50, 3\); .* \(50, 6\)"):
        traces.quiz(batch(), torch.zeros(50, 3))
