"""Which exercises of a lesson are solved: by the reader herself, in the kernel she works in."""

from __future__ import annotations

import functools
import html
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from maml_edu.exercises.judge import MARKS, Verdict

NOT_RUN = Verdict("open", "not run yet")
SOLUTION = "### BEGIN SOLUTION"

# lesson ("02") -> check -> what it last said of the reader's own attempt, in the lesson's order.
_verdicts: dict[str, dict[str, Verdict]] = {}


@dataclass(frozen=True)
class Progress:
    """The exercises of one lesson, (number and name, verdict) each; shown as a list."""

    lesson: str
    exercises: tuple[tuple[str, Verdict], ...]

    @property
    def solved(self) -> int:
        return sum(map(bool, dict(self.exercises).values()))

    def __str__(self) -> str:
        return "\n".join([self._title(), *(f"{mark} {text}" for mark, text in self._lines())])

    __repr__ = __str__

    def _title(self) -> str:
        return f"Lesson {self.lesson}: {self.solved} of {len(self.exercises)} exercises solved"

    def _lines(self) -> list[tuple[str, str]]:
        words = {"right": "solved", "wrong": "not right yet"}
        return [
            (MARKS[verdict.state], f"{name}: {words.get(verdict.state, verdict.message)}")
            for name, verdict in self.exercises
        ]

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{mark} {html.escape(text)}</li>" for mark, text in self._lines())
        return f"<p><strong>{self._title()}</strong></p><ul style='list-style: none'>{items}</ul>"


def progress(lesson: str) -> Progress:
    """How far the reader is with the exercises of `lesson`, named by its number, like "02".

    A lesson's own solution does not count. ValueError where the lesson has no exercises.
    """
    if lesson not in _verdicts:
        raise ValueError(f"lesson is {lesson!r}; allowed are {', '.join(map(repr, _verdicts))}")
    found = enumerate(_verdicts[lesson].items(), start=1)
    return Progress(
        lesson, tuple((f"{lesson}.{n} {name}", verdict) for n, (name, verdict) in found)
    )


def recorded(check: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """`check`, which now also tells `progress` what it says of the reader's attempts.

    check: a function `check_some_name` of a module `lessonNN`.
    """
    lesson = check.__module__.rpartition(".lesson")[2]
    name = check.__name__.removeprefix("check_").replace("_", " ")
    _verdicts.setdefault(lesson, {})[name] = NOT_RUN

    @functools.wraps(check)
    def checked(*attempt: object, **named: object) -> Verdict:
        verdict = check(*attempt, **named)
        if SOLUTION not in _cell():
            unwritten = replace(verdict, message="not written yet")
            _verdicts[lesson][name] = unwritten if verdict.state == "open" else verdict
        return verdict

    return checked


def _cell() -> str:
    """The cell that is running, as it was entered; empty outside a notebook."""
    if "IPython" not in sys.modules:
        return ""
    shell = sys.modules["IPython"].get_ipython()
    return shell.user_ns.get("In", [""])[-1] if shell else ""


def when_solved(line: str, cell: str) -> None:
    """`%%when_solved 05.1`: run the rest of the cell if the reader has solved that exercise.

    Copies without solutions use it for what builds on a solution. `line`: numbers of exercises.
    """
    missing = [number for number in line.split() if not _is_solved(number)]
    if missing:
        print(
            f"○ This cell builds on exercise {' and '.join(missing)}: solve it, then run me again."
        )
        return
    sys.modules["IPython"].get_ipython().run_cell(cell).raise_error()


def _is_solved(number: str) -> bool:
    lesson, _, nth = number.partition(".")
    return bool(list(_verdicts[lesson].values())[int(nth) - 1])


def add_magic() -> None:
    """In a notebook, make `%%when_solved` known."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell:
        shell.register_magic_function(when_solved, "cell")
