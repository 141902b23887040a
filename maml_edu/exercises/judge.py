"""Judge a learner's function by what it does, and name the mistake it makes.

A check knows the right answer and the usual wrong ones, each as a function. It runs the learner's
function on random problems, and says which of them it behaves like.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_map_only

TOLERANCE = 1e-6  # relative; problems are posed in float64
MARKS = {"right": "✓", "wrong": "✗", "open": "○"}


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


def judge(
    attempt: Callable,
    right: Callable,
    mistakes: Mapping[str, Callable],
    problems: Iterable[tuple],
    *,
    praise: str,
    tolerance: float = TOLERANCE,
) -> Verdict:
    """Compare `attempt` with `right` on every problem, a tuple of arguments.

    mistakes: what to say -> the function that makes this mistake. A mistake that gives the right
        answer on a problem is no evidence, so pose problems that tell them apart.
    praise: what to say when every answer is right.
    Never raises because of the learner's code: an error in it becomes a verdict.
    """
    suspects = dict(mistakes)
    wrong = None
    for problem in problems:
        arguments = tree_map_only(torch.Tensor, torch.clone, problem)
        try:
            answer = attempt(*arguments)
        except NotImplementedError:
            return Verdict("open", "not written yet: replace the dots, then run the cell again")
        except Exception as error:  # a learner's code may raise anything
            return Verdict("wrong", f"it raised {type(error).__name__}: {error}")
        if answer is None or answer is ...:
            return Verdict("open", "not written yet: return your result, then run the cell again")
        if not _same(arguments, problem, 0.0):
            return Verdict("wrong", "it changed its arguments in place; build new tensors instead")
        expected = right(*problem)
        if _same(answer, expected, tolerance):
            continue
        wrong = wrong or _difference(answer, expected)
        suspects = {
            message: mistaken
            for message, mistaken in suspects.items()
            if _same(answer, mistaken(*problem), tolerance)
        }
    if wrong is None:
        return Verdict("right", praise)
    return Verdict("wrong", next(iter(suspects), wrong))


def _same(answer: Any, expected: Any, tolerance: float) -> bool:
    """Equal in structure, and in every number up to a relative tolerance of the largest."""
    (a, a_structure), (b, b_structure) = _flat(answer), _flat(expected)
    if a_structure != b_structure:
        return False
    return all(_same_leaf(x, y, tolerance) for x, y in zip(a, b, strict=True))


def _flat(value: Any) -> tuple[list, Any]:
    """Leaves and structure; two dicts with the same keys have the same, in whichever order."""
    return tree_flatten(_sorted(value))


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {key: _sorted(value[key]) for key in sorted(value, key=repr)}
    if type(value) in (list, tuple):
        return type(value)(map(_sorted, value))
    return value


def _same_leaf(x: Any, y: Any, tolerance: float) -> bool:
    if not isinstance(y, torch.Tensor | int | float) or isinstance(y, bool):
        return x == y
    try:
        x, y = torch.as_tensor(x).detach().double(), torch.as_tensor(y).detach().double()
    except (TypeError, ValueError, RuntimeError):
        return False
    if x.shape != y.shape:
        return False
    scale = y.abs().max().clamp_min(1e-12) if y.numel() else 1.0
    return bool(((x - y).abs() <= tolerance * scale).all())


def _difference(answer: Any, expected: Any) -> str:
    """What can be said of a wrong answer that is none of the known mistakes."""
    (a, a_structure), (b, b_structure) = _flat(answer), _flat(expected)
    if a_structure != b_structure:
        return f"it returns {_kind(answer)}; {_kind(expected)} was asked for"
    for x, y in zip(a, b, strict=True):
        shapes = getattr(x, "shape", ()), getattr(y, "shape", ())
        if shapes[0] != shapes[1]:
            return f"it returns shape {tuple(shapes[0])} where {tuple(shapes[1])} was asked for"
    for x, y in zip(a, b, strict=True):
        if not _same_leaf(x, y, TOLERANCE):
            return f"the numbers differ: it gives {_first(x)} where {_first(y)} is right"
    return "it is close, but not equal"


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(repr, value)) or 'nothing in it'}"
    return f"a {type(value).__name__}"


def _first(value: Any) -> str:
    try:
        return f"{torch.as_tensor(value).detach().flatten()[0].item():.4g}"
    except (TypeError, ValueError, RuntimeError, IndexError):
        return repr(value)
