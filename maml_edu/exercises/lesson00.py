"""Checks of lesson 00: reading a loss curve, and a baseline that learns nothing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from maml_edu.exercises.judge import Verdict, judge

NOTHING = "nothing"


def check_first_below_half(attempt: Callable[[list[float]], int]) -> Verdict:
    """Judge `first_below_half(losses) -> step`: the first step whose loss is below half of that at
    step 0, or `len(losses)` where there is none."""

    def first_below(losses: list[float], bound: float, none: object = None) -> int:
        none = len(losses) if none is None else none
        return next((step for step, loss in enumerate(losses) if loss < bound), none)

    def answer(losses: list[float]) -> int:
        """The attempt's; where it falls off the end of its function, that is an answer too."""
        given = attempt(losses)
        written = given is not None or attempt(list(problems[0][0])) is not None
        return NOTHING if given is None and written else given

    def last_above(losses: list[float]) -> int:
        return max(step for step, loss in enumerate(losses) if loss >= losses[0] / 2) + 1

    mistakes = {
        "where no loss is below half of the first, return len(losses)": (
            lambda losses: first_below(losses, losses[0] / 2, none=NOTHING)
        ),
        "you count the states; state 0 is before any step, so the first step is number 1": (
            lambda losses: first_below(losses, losses[0] / 2) + 1
        ),
        "you count from the state after step 1; the list begins with the loss before any step": (
            lambda losses: first_below(losses, losses[0] / 2) - 1
        ),
        "this returns the loss; the number of the step was asked for": (
            lambda losses: (losses + [-1.0])[first_below(losses, losses[0] / 2)]
        ),
        "half of the largest loss is not half of the first: the loss may rise before it falls": (
            lambda losses: first_below(losses, max(losses) / 2)
        ),
        "this is the step from which it stays below; the first one below is wanted": last_above,
        "this is the first step that lowers the loss at all; below half was asked for": (
            lambda losses: first_below(losses, losses[0])
        ),
    }
    problems = [
        ([4.0, 1.0, 0.5, 0.4],),
        ([4.0, 3.0, 1.5, 2.5, 1.0],),
        ([2.0, 8.0, 3.0, 1.2, 0.9, 0.3],),
        ([1.0, 0.9, 0.8],),
    ]
    return judge(
        answer,
        lambda losses: first_below(losses, losses[0] / 2),
        mistakes,
        problems,
        praise="right: also where the loss rises first, and where it never gets that low",
    )


def check_know_nothing(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """Judge `know_nothing(support_y, query_y) -> loss`: the query MSE of the best constant for the
    support set; y is (shots, 1) and (queries, 1)."""

    def error(constant: Tensor | float, y: Tensor) -> Tensor:
        return ((y - constant) ** 2).mean()

    mistakes = {
        "the constant is the query set's own mean: this baseline has seen the answers": (
            lambda s, q: error(q.mean(), q)
        ),
        "this is its error on the support set, which it was fitted to; judge it on the query set": (
            lambda s, q: error(s.mean(), s)
        ),
        "the median minimises the absolute error; for the squared error it is the mean": (
            lambda s, q: error(s.median(), q)
        ),
        "this always guesses 0, and makes no use of the support set": lambda s, q: error(0.0, q),
        "you summed over the query points; the mean squared error was asked for": (
            lambda s, q: error(s.mean(), q) * len(q)
        ),
        "this is the root of the mean squared error; leave the root out": (
            lambda s, q: error(s.mean(), q).sqrt()
        ),
        "this is the mean absolute error; square the differences": (
            lambda s, q: (q - s.mean()).abs().mean()
        ),
        "one constant for all query points: take the mean of support_y first": (
            lambda s, q: ((q[:, None] - s) ** 2).mean()
        ),
    }
    generator = torch.Generator().manual_seed(0)

    def draw(n: int) -> Tensor:
        return 1.0 + 2.0 * torch.randn(n, 1, generator=generator, dtype=torch.float64)

    return judge(
        attempt,
        lambda s, q: error(s.mean(), q),
        mistakes,
        [(draw(5), draw(30)), (draw(7), draw(12)), (draw(1), draw(4))],
        praise="right: whatever has learnt something must do better than this",
    )
