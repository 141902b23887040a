"""What holds for every exercise of every lesson."""

from __future__ import annotations

import itertools
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_map

from maml_edu import exercises
from maml_edu.exercises.judge import CHANGED, Comparison

from .lessons import CHECKS, SOLVED, TEXTS, headings

OF_FUNCTIONS = [name for name, check in CHECKS.items() if hasattr(check, "pose")]
# Judged by the gradient through their answer too, which no array holds.
TRACED = {"check_inner_step", "check_inner_loop", "check_rates_step", "check_task_loss",
          "check_classifier_loss", "check_momentum"}  # fmt: skip
# Their answers are words, bools, or numbers of Python.
WITHOUT_TENSORS = {"check_chosen_rate", "check_diagnosis", "check_find_leaks",
                   "check_first_below_half", "check_freeze", "check_interval_by_alphabet",
                   "check_leaks", "check_looks_sideways", "check_meta_rate", "check_split_by_kind",
                   "check_when_to_stop"}  # fmt: skip
# They move what they are given, and that is their task.
IN_PLACE = {"check_meta_step"}


def cases_of(name: str) -> tuple:
    cases = CHECKS[name].pose()
    return cases if isinstance(cases, tuple) else (cases,)


def asked(name: str, attempt):
    """The verdict on an attempt, beside the snippets where the exercise has some."""
    return CHECKS[name](attempt, **SOLVED[name][1])


def solution(name: str):
    return SOLVED[name][0][0]


# The lessons --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_progress_lists_the_exercises_as_the_lesson_does(text):
    found = headings(text)
    assert [CHECKS[check].number for _, _, check in found] == [number for number, _, _ in found]
    listed = exercises.progress(text.name[:2]).exercises
    assert [name for name, _ in listed] == [f"{number} {title}" for number, title, _ in found]


@pytest.mark.parametrize("name", CHECKS)
def test_the_lessons_solution_is_right(name):
    assert asked(name, solution(name)).message.startswith(("right", "c equals"))


# Right and wrong ----------------------------------------------------------------------------------

ATTEMPTS = [import_module(f"{__package__}.attempts.lesson{text.name[:2]}") for text in TEXTS]
RIGHT = [
    pytest.param(name, attempt, id=f"{name}-{i}")
    for lesson in ATTEMPTS
    for name, some in lesson.RIGHT.items()
    for i, attempt in enumerate(some)
]
WRONG = [
    pytest.param(name, attempt, words, id=f"{name}-{i}")
    for lesson in ATTEMPTS
    for name, some in lesson.WRONG.items()
    for i, (attempt, words) in enumerate(some)
]


@pytest.mark.parametrize(("name", "attempt"), RIGHT)
def test_what_is_right_passes_however_it_is_written(name, attempt):
    verdict = CHECKS[name](attempt)
    assert verdict, verdict


@pytest.mark.parametrize(("name", "attempt", "words"), WRONG)
def test_a_readers_mistake_is_named(name, attempt, words):
    verdict = CHECKS[name](attempt)
    assert verdict.state == "wrong"
    assert words in verdict.message


def test_every_exercise_has_been_attempted():
    for tried in (RIGHT, WRONG):
        assert {case.values[0] for case in tried} == set(OF_FUNCTIONS)


KNOWN = [
    pytest.param(name, message, wrong, id=f"{name}-{number}-{variant}")
    for name in OF_FUNCTIONS
    for one in cases_of(name)
    if isinstance(one, Comparison)
    for number, (message, some) in enumerate(one.mistakes.items())
    for variant, wrong in enumerate(some if isinstance(some, tuple) else (some,))
]


@pytest.mark.parametrize(("name", "message", "mistake"), KNOWN)
def test_the_problems_tell_a_known_mistake_from_all_others(name, message, mistake):
    raised = set()

    def attempt(*arguments):
        try:
            return mistake(*arguments)
        except Exception as error:
            raised.add(type(error))
            raise

    verdict = CHECKS[name](attempt)
    assert (verdict.state, verdict.message) == ("wrong", message)
    assert raised <= {RuntimeError}  # shapes that do not fit; all else would be a slip of ours


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_what_is_not_written_is_open(name):
    def not_implemented(*arguments):
        raise NotImplementedError

    for attempt in (None, ..., lambda *_: None, lambda *_: ..., not_implemented):
        assert CHECKS[name](attempt).state == "open"


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_an_error_is_told(name):
    def raises(*arguments):
        raise KeyError("w")

    def leaves(*arguments):
        raise SystemExit

    for attempt, said in [(raises, "KeyError: 'w'"), (leaves, "SystemExit"),
                          (lambda: 1, "TypeError"), (3, "your function itself")]:  # fmt: skip
        verdict = CHECKS[name](attempt)
        assert verdict.state == "wrong"
        assert said in verdict.message


# Odd answers --------------------------------------------------------------------------------------


class Grudging:
    """An object that refuses whatever a comparison might ask of it."""

    def _refuse(self, *_):
        raise ValueError("no")

    __eq__ = __len__ = __bool__ = __iter__ = __float__ = __array__ = __repr__ = _refuse
    __hash__ = object.__hash__


class Elementwise:
    """As a data frame's, its == gives an array, which is neither true nor false."""

    def __eq__(self, other):
        return np.array([True, False])

    __hash__ = None


ODD = {
    "list": lambda: [1.0, "two", None],
    "ragged list": lambda: [[1.0], [1.0, 2.0]],
    "empty list": list,
    "empty dict": dict,
    "dict with odd keys": lambda: {None: torch.ones(2), (1, 2): 3, 4.5: "x"},
    "set": lambda: {"letters", 3},
    "list of lists": lambda: [[], []],
    "generator": lambda: itertools.count(),
    "array": lambda: np.ones((2, 3)),
    "array of objects": lambda: np.array([None, "x"], dtype=object),
    "reversed array": lambda: np.arange(5)[::-1],
    "float64": lambda: np.float64(0.123),
    "word": lambda: "sound?",
    "bytes": lambda: b"sound",
    "NumPy word": lambda: np.str_("odd"),
    "whole number": lambda: 7,
    "huge number": lambda: 10**40,
    "nan": lambda: float("nan"),
    "complex": lambda: 1 + 2j,
    "complex tensor": lambda: torch.ones(3, dtype=torch.complex64),
    "tensor of nan": lambda: torch.full((4, 3), float("nan")),
    "graph": lambda: torch.ones(2, 2, requires_grad=True) * 2,
    "half": lambda: torch.ones(5, dtype=torch.float16),
    "bools": lambda: torch.ones(5) > 0,
    "empty": lambda: torch.empty(0),
    "meta": lambda: torch.empty(3, device="meta"),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "pair": lambda: (torch.ones(2), None),
    "pairs": lambda: ((torch.ones(2), 3), (torch.tensor(1), torch.zeros(0))),
    "dict of arrays": lambda: {"in.weight": np.ones(3)},
    "dict of complex": lambda: {"in.weight": torch.ones(3, dtype=torch.complex128)},
    "dict of whole": lambda: {"in.weight": torch.arange(3)},
    "module": lambda: torch.nn.Linear(2, 1),
    "function": lambda: len,
    "type": lambda: int,
    "grudging": Grudging,
    "elementwise": Elementwise,
    "grudging in a dict": lambda: {"weight": Grudging(), "bias": Elementwise()},
}


def wrong_and_says_why(verdict) -> bool:
    return verdict.state == "wrong" and len(verdict.message.split()) >= 4 and bool(str(verdict))


@pytest.mark.parametrize("name", CHECKS)
def test_an_odd_answer_is_wrong_and_nothing_is_raised(name):
    snippets = SOLVED[name][1]
    for odd, made in ODD.items():
        if snippets:  # the answer is a word, and the snippets are functions
            assert wrong_and_says_why(CHECKS[name](made(), **snippets)), odd
            assert wrong_and_says_why(CHECKS[name]("c", c=lambda *_, made=made: made())), odd
        else:
            assert wrong_and_says_why(CHECKS[name](lambda *_, made=made: made())), odd


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_an_odd_answer_after_a_right_one_is_wrong_too(name):
    for odd in ("array of objects", "complex", "pairs", "grudging in a dict"):
        calls = itertools.count()

        def attempt(*arguments, odd=odd, calls=calls):
            return ODD[odd]() if next(calls) else solution(name)(*arguments)

        assert wrong_and_says_why(CHECKS[name](attempt)), odd


# What is in a right answer, in another form: what it becomes, and whether that is still right.
FORMS = {
    "arrays": (lambda t: t.detach().numpy(), True),
    "lists": (lambda t: t.tolist(), True),
    "NumPy numbers": (lambda t: t.detach().numpy()[()], True),
    "nan": (lambda t: t * float("nan"), False),
    "complex": (lambda t: t.to(torch.complex128), False),
    "words": (lambda t: "odd", False),
    "flat": (lambda t: t.flatten()[1:], False),
    "None": (lambda t: None, False),
}


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_right_numbers_count_in_every_form_that_holds_them(name):
    def in_another_form(change, *arguments):
        answer = solution(name)(*arguments)
        return tree_map(lambda x: change(x) if isinstance(x, torch.Tensor) else x, answer)

    if name in WITHOUT_TENSORS:
        return
    for form, (change, stays_right) in FORMS.items():
        verdict = CHECKS[name](partial(in_another_form, change))
        assert bool(verdict) == (stays_right and name not in TRACED), form
        assert len(verdict.message.split()) >= 4, form


# Arguments ----------------------------------------------------------------------------------------


def spoilt(value) -> bool:
    """Change the first tensor, list or dict in `value` in place; False where there is none."""
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        value.data.add_(1.0)
    elif isinstance(value, torch.Tensor):
        value.data.copy_(value.flip(0) + 1)
    elif isinstance(value, dict) and value:
        return any(spoilt(part) for part in value.values())
    elif isinstance(value, list) and value and isinstance(value[0], float):
        value[0] += 1.0
    elif isinstance(value, list | tuple):
        return any(spoilt(part) for part in value)
    else:
        return False
    return True


@pytest.mark.parametrize("name", [name for name in OF_FUNCTIONS if name not in IN_PLACE])
def test_a_right_function_that_changes_its_arguments_is_told(name):
    changed = False

    def attempt(*arguments):
        nonlocal changed
        answer = tree_map(
            lambda x: x.clone() if isinstance(x, torch.Tensor) else x, solution(name)(*arguments)
        )
        changed |= spoilt(arguments)
        return answer

    verdict = CHECKS[name](attempt)
    assert verdict.message == CHANGED if changed else verdict
