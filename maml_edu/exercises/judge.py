"""Judge a reader's function by what it does, and name the mistake in it.

An exercise knows the right function and the usual wrong ones, and poses random problems. The judge
runs the reader's function on each problem and says which of them it behaves like. It never raises
because of the reader's code, whatever that returns, raises or changes.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_map_only

from maml_edu.exercises.difference import difference, kind

MARKS = {"right": "✓", "wrong": "✗", "open": "○"}
CHANGED = "it changed its arguments in place; build new tensors instead"


@dataclass(frozen=True)
class Verdict:
    """What a check found. True where the function is right; shown as a line in the notebook."""

    state: str  # "right", "wrong" or "open" (not written yet)
    message: str

    def __bool__(self) -> bool:
        return self.state == "right"

    def __str__(self) -> str:
        return f"{MARKS[self.state]} {self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<p role='status'><strong>{html.escape(str(self))}</strong></p>"


OPEN = Verdict("open", "not written yet: return your result, then run the cell again")


class Fault(Exception):
    """What is wrong with an answer, in words for the reader."""


class Unwritten(Exception):
    """The reader has not written the function yet."""


@dataclass(frozen=True)
class Comparison:
    """An exercise with one right answer to each problem.

    right: the solution.
    mistakes: what to say -> the function, or functions, with this mistake. A wrong attempt is told
        the first mistake that answers every problem as it does; an error counts as an answer.
    problems: tuples of arguments, in float64, on which the mistakes differ.
    praise: what to say when every answer is right.
    probe: takes a function, and returns one of a problem's arguments whose answer is compared
        (default: the function itself).
    tolerance: relative (default: 1e-6).
    changes: the positions of the arguments that the function is asked to change.
    """

    right: Callable
    mistakes: Mapping[str, Callable | tuple[Callable, ...]]
    problems: Sequence[tuple]
    praise: str
    probe: Callable[[Callable], Callable] = lambda function: function
    tolerance: float = 1e-6
    changes: tuple[int, ...] = ()
    _known: dict = field(default_factory=dict, repr=False)  # (function, problem) -> its answer

    def fault(self, attempt: Watched) -> str:
        """The mistake in the attempt, else how its first wrong answer differs; "" if right."""
        first, suspects = "", []
        for said, some in self.mistakes.items():
            suspects += [(said, wrong) for wrong in (some if isinstance(some, tuple) else (some,))]
        for number, problem in enumerate(self.problems):
            answer = self._answer(attempt, problem)
            if told := self._told(answer, self.right, number):
                first = first or told
                suspects = [one for one in suspects if not self._told(answer, one[1], number)]
        return first and next((said for said, _ in suspects), first)

    def _answer(self, function: Watched, problem: tuple) -> Any:
        try:
            return self.probe(function)(*_copied(problem))
        except Fault as fault:
            return _Raised(fault)

    def _told(self, answer: Any, function: Callable, number: int) -> str:
        """How an answer differs from that of a function which the exercise knows."""
        if (function, number) not in self._known:
            watched = Watched(function, self.changes, answered=True)
            self._known[function, number] = self._answer(watched, self.problems[number])
        expected = self._known[function, number]
        if isinstance(answer, _Raised) and answer != expected:
            return str(answer)
        return difference(answer, expected, self.tolerance)


@dataclass(frozen=True)
class Inspection:
    """An exercise with many right answers: what is asked for are properties.

    inspect: (the function, *a problem's arguments) -> the first fault in what it does, "" if none.
    """

    inspect: Callable[..., str]
    problems: Sequence[tuple]
    praise: str
    changes: tuple[int, ...] = ()

    def fault(self, attempt: Watched) -> str:
        """The first fault on the first problem that shows one; "" where there is none."""
        found = (self.inspect(attempt, *_copied(problem)) for problem in self.problems)
        return next(filter(None, found), "")


Case = Comparison | Inspection


def judge(attempt: Callable, *cases: Case) -> Verdict:
    """Judge a reader's function by the cases, one after the other: the first fault is told."""
    if attempt is None or attempt is ...:
        return OPEN
    if not callable(attempt):
        return Verdict("wrong", f"give the check your function itself; this is {kind(attempt)}")
    for case in cases:
        watched = Watched(attempt, case.changes)
        try:
            fault = case.fault(watched)
        except Unwritten:
            return OPEN
        except Fault as found:
            fault = str(found)
        except Exception as error:  # the answer is so odd that it cannot be looked at
            if not watched.answered:
                raise
            fault = f"it returns {kind(watched.answer)}, which is of no use here ({_named(error)})"
        if fault:
            return Verdict("wrong", fault)
    return Verdict("right", cases[-1].praise)


@dataclass
class Watched:
    """A function that raises `Fault` where it raises anything or changes its arguments, and
    `Unwritten` where it has nothing in it."""

    function: Callable
    changes: tuple[int, ...] = ()
    answered: bool = False  # None is an answer too, where another one came before
    answer: Any = field(default=None, repr=False)

    def __call__(self, *arguments: Any) -> Any:
        kept = [one for i, one in enumerate(arguments) if i not in self.changes]
        before = _copied(kept)
        try:
            self.answer = self.function(*arguments)
        except (Exception, SystemExit) as error:
            if isinstance(error, NotImplementedError) and not error.args:
                raise Unwritten from None  # PyTorch's own NotImplementedErrors have a text
            in_place = "in-place operation" in _named(error)  # as autograd puts it
            raise Fault(CHANGED if in_place else f"it raised {_named(error)}") from error
        if not self.answered and (self.answer is None or self.answer is ...):
            raise Unwritten
        self.answered = True
        if difference(kept, before):
            raise Fault(CHANGED)
        return self.answer


class _Raised(str):
    """The answer of a function that raised an error: what to say of it."""


def _copied(arguments: Any) -> Any:
    return tree_map_only(torch.Tensor, torch.clone, arguments)


def _named(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # it cannot even be printed
        return type(error).__name__
