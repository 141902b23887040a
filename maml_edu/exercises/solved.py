"""Which exercises of a lesson are solved: by the reader herself, in the kernel she works in."""

import functools
import html
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from maml_edu.exercises.judge import MARKS, Case, Verdict, judge

Check = Callable[..., Verdict]
Pose = Callable[[], Case | tuple[Case, ...]]
NOT_RUN = Verdict("open", "not run yet")
SOLUTION = "### BEGIN SOLUTION"

# number ("02.1") -> title, and what its check last said of the reader's own attempt.
_exercises: dict[str, tuple[str, Verdict]] = {}


def exercise(number: str, title: str) -> Callable[[Pose], Check]:
    """Turn a function that poses an exercise into the check of a reader's attempt at it.

    number, title: as the lesson's heading has them, like "02.1" and "one step, by heart".
    The function returns a case, or several that are judged in turn. The check takes over its name
    and docstring, and keeps it as `pose`.
    """

    def made(pose: Pose) -> Check:
        posed = functools.cache(pose)

        def check(attempt: Callable) -> Verdict:
            cases = posed()
            return judge(attempt, *(cases if isinstance(cases, tuple) else (cases,)))

        names = ("__module__", "__name__", "__qualname__", "__doc__")
        functools.update_wrapper(check, pose, assigned=names, updated=())
        del check.__wrapped__  # its signature is its own
        check.pose = posed
        return tracked(number, title)(check)

    return made


def tracked(number: str, title: str) -> Callable[[Check], Check]:
    """Have `progress` follow what a check says. ValueError where the number is another's."""
    if _exercises.get(number, (title,))[0] != title:
        raise ValueError(f"number is {number!r}, which exercise {_exercises[number][0]!r} has")
    _exercises[number] = title, NOT_RUN

    def made(check: Check) -> Check:
        @functools.wraps(check)
        def checked(*attempt: object, **named: object) -> Verdict:
            verdict = check(*attempt, **named)
            if SOLUTION not in _cell():
                unwritten = replace(verdict, message="not written yet")
                _exercises[number] = title, unwritten if verdict.state == "open" else verdict
            return verdict

        checked.number = number
        return checked

    return made


@dataclass(frozen=True)
class Progress:
    """The exercises of one lesson, (number and title, verdict) each; shown as a list."""

    lesson: str
    exercises: tuple[tuple[str, Verdict], ...]

    @property
    def solved(self) -> int:
        return sum(bool(verdict) for _, verdict in self.exercises)

    def __str__(self) -> str:
        return "\n".join(self._lines())

    __repr__ = __str__

    def _lines(self) -> list[str]:
        words = {"right": "solved", "wrong": "not right yet", "open": None}
        return [
            f"Lesson {self.lesson}: {self.solved} of {len(self.exercises)} exercises solved",
            *(
                f"{MARKS[v.state]} {name}: {words[v.state] or v.message}"
                for name, v in self.exercises
            ),
        ]

    def _repr_html_(self) -> str:
        title, *items = map(html.escape, self._lines())
        listed = "".join(f"<li>{item}</li>" for item in items)
        return f"<p><strong>{title}</strong></p><ul style='list-style: none'>{listed}</ul>"


def progress(lesson: str) -> Progress:
    """How far the reader is with the exercises of `lesson`, named by its number, like "02".

    A lesson's own solution does not count. ValueError where the lesson has no exercises.
    """
    lessons = sorted({number.partition(".")[0] for number in _exercises})
    if lesson not in lessons:
        raise ValueError(f"lesson is {lesson!r}; allowed are {', '.join(map(repr, lessons))}")
    own = sorted(number for number in _exercises if number.startswith(f"{lesson}."))
    found = [(number, *_exercises[number]) for number in own]
    return Progress(lesson, tuple((f"{number} {title}", said) for number, title, said in found))


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
    missing = " and ".join(number for number in line.split() if not _exercises[number][1])
    if missing:
        print(f"○ This cell builds on exercise {missing}: solve it, then run me again.")
    else:
        sys.modules["IPython"].get_ipython().run_cell(cell).raise_error()


def add_magic() -> None:
    """In a notebook, make `%%when_solved` known."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell:
        shell.register_magic_function(when_solved, "cell")
