"""The quiz under the keyboard: it asks, tells, counts, and Python reads the score."""

from __future__ import annotations

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from maml_edu.views.widgets import Quiz
from maml_edu.views.widgets.player import STATIC
from tests.browser.driver import Lesson
from tests.browser.test_harness import KERNEL
from tests.views.widgets.test_quiz import made_up

# Twelve questions whose answers are 0, 1, 2, 3, 4, 0, …; the model is always one too far.
MAKE = """import numpy as np
from maml_edu.views.scenes import QuizQuestions
from maml_edu.views.widgets import Quiz
from maml_edu.views.widgets.player import STATIC
random = np.random.default_rng(0)
answer = np.arange(12) % WAY
drawings = random.random((12, WAY, 28, 28)) > 0.8
asked, guesses = drawings[np.arange(12), answer], (answer + 1) % WAY
quiz_WAY = Quiz(QuizQuestions(asked, drawings, answer, guesses, "MAML"))
quiz_WAY"""
READ = "quiz_WAY.answers, tuple(quiz_WAY.score)"
BUT_FOR_THE_DRAWING = """button => {
    const copy = button.cloneNode(true);
    copy.querySelector('img').src = '';
    return copy.outerHTML.replace(/[0-9]/g, '');
}"""
IN_A_PAGE = """async ([code, questions]) => {
    const module = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
    const state = {questions, answers: []};
    const model = {
        get: name => state[name],
        set: (name, value) => { state[name] = value; },
        save_changes() {},
        on() {},
        off() {},
    };
    module.default.render({model, el: document.body});
    const click = name => document.querySelector(name).click();
    click('[data-candidate="1"]');
    const wrong = document.querySelector('.maml-quiz-verdict').textContent;
    click('.maml-quiz-next');
    click('[data-candidate="1"]');
    return [wrong, document.querySelector('.maml-quiz-score').textContent];
}"""


@pytest.fixture(scope="module")
def two_quizzes(context, lab):
    code = [source.replace("WAY", way) for way in ("5", "20") for source in (MAKE, READ)]
    cells = [nbformat.v4.new_code_cell(source) for source in code]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(notebook, lab.root / "notebooks" / "98_quiz.ipynb")
    lesson = Lesson(context, lab, "98_quiz")
    for index in (0, 2):
        lesson.run_cell(index)
    lesson.page.wait_for_function("() => document.querySelectorAll('.maml-quiz img').length > 20")
    yield lesson
    lesson.close()


@pytest.fixture
def five(two_quizzes) -> Locator:
    return two_quizzes.quizzes()[0]


@pytest.fixture
def twenty(two_quizzes) -> Locator:
    return two_quizzes.quizzes()[1]


def expect_in_python(lesson: Lesson, score: str) -> None:
    """The browser sends an answer when the one before has arrived: Python has them in the end."""

    def is_so() -> bool:
        lesson.run_cell(1)
        return "".join(lesson.cells()[1]["outputs"][0]["data"]["text/plain"]) == score

    lesson.until(is_so, score)


def labels(quiz: Locator) -> list[str]:
    return [b.get_attribute("aria-label") for b in quiz.locator(".maml-quiz-candidate").all()]


def test_nothing_gives_the_answer_away(five):
    assert labels(five) == [f"candidate {i}" for i in range(1, 6)]
    html = [
        button.evaluate(BUT_FOR_THE_DRAWING) for button in five.locator("[data-candidate]").all()
    ]
    assert len(html) == 5
    assert len(set(html)) == 1


def test_a_round_by_the_keyboard(five, two_quizzes):
    page = two_quizzes.page
    score, verdict = five.locator(".maml-quiz-score"), five.locator(".maml-quiz-verdict")
    five.locator(".maml-quiz-candidate").first.focus()
    page.keyboard.press("2")  # the answer is the first
    expect(verdict).to_have_text(
        "Wrong: it is candidate 1. MAML chose candidate 2, which is wrong."
    )
    told = labels(five)
    assert told[0] == "candidate 1, the right one"
    assert told[1] == "candidate 2, your choice, chosen by MAML"
    assert five.locator("[data-right]").inner_text().split() == ["1", "✓", "right"]
    page.keyboard.press("3")  # it has its answer
    assert labels(five) == told
    page.keyboard.press("Enter")  # Next has the focus
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")  # the second, which is right
    expect(verdict).to_have_text("Right. MAML chose candidate 3, which is wrong.")
    expect(score).to_have_text("So far: you 1 of 2, MAML 0 of 2.")
    for question in range(2, 10):
        page.keyboard.press("Enter")
        page.keyboard.press(str(question % 5 + 1))
    expect(score).to_have_text(
        "This round: you 9 of 10, MAML 0 of 10. Your 95% interval: 60% to 98%."
    )
    expect(five.locator(".maml-quiz-next")).to_have_text("New round")
    expect_in_python(two_quizzes, "([1, 1, 2, 3, 4, 0, 1, 2, 3, 4], (9, 10, 0))")


def test_number_keys_do_not_reach_jupyterlab(two_quizzes):
    """In its command mode they would turn cells into headings."""
    assert [cell["cell_type"] for cell in two_quizzes.cells()] == ["code"] * 4


def test_arrows_walk_the_grid_of_twenty(twenty, two_quizzes):
    page = two_quizzes.page
    twenty.locator(".maml-quiz-candidate").nth(3).focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert focused == "candidate 5"
    page.keyboard.press("1")  # two digits would be ambiguous
    assert labels(twenty)[0] == "candidate 1"
    page.keyboard.press("Space")
    expect(twenty.locator(".maml-quiz-verdict")).to_contain_text("Wrong: it is candidate 1.")


def test_the_last_round_is_followed_by_the_first(five, two_quizzes):
    page = two_quizzes.page
    five.locator(".maml-quiz-next").focus()
    for key in ("Enter", "1", "Enter", "1"):
        page.keyboard.press(key)
    score = five.locator(".maml-quiz-score")
    expect(score).to_contain_text("This round: you 1 of 2, MAML 0 of 2. Your 95% interval: ")
    expect(score).to_contain_text("All rounds: you 10 of 12")
    page.keyboard.press("Enter")
    expect(five).to_have_attribute("data-question", "0")
    expect_in_python(two_quizzes, "([], (0, 0, 0))")


def test_it_is_accessible_before_and_after_an_answer(five, two_quizzes):
    for key in ("Tab", "1"):
        five.locator(".maml-quiz-candidate").first.focus()
        two_quizzes.page.keyboard.press(key)
        found = Axe().run(two_quizzes.page, context={"include": [[".maml-quiz"]]}).response
        assert found["passes"]
        assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert two_quizzes.page_errors == []
    assert two_quizzes.console == []


def test_it_works_without_a_kernel(context):
    """In a page with the bundle and the questions alone, as in a static export."""
    quiz, code = Quiz(made_up()), (STATIC / "quiz.js").read_text("utf-8")
    page = context.new_page()
    wrong, score = page.evaluate(IN_A_PAGE, [code, quiz.questions])
    page.close()
    assert wrong == "Wrong: it is candidate 1. The model has it right."
    assert score == "So far: you 1 of 2, the model 2 of 2."
