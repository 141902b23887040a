"""Checks of lesson 01: a task, the mean of all waves, and what that mean leaves."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from maml_edu.exercises.judge import Verdict, judge

RIGHT = ""
SHAPE = "each x and y must have the shape (points, 1)"
RANGE = "x must be spread over -5 to 5; torch.rand gives 0 to 1, so stretch and shift it"
ADDED = "the phase is added: the wave is amplitude * sin(x - phase)"
UNSCALED = "the amplitude is missing from y"
PER_POINT = "the amplitude differs from point to point; all points of one task share one wave"
OFF = "the points do not lie on amplitude * sin(x - phase)"
SHARED = "support and query share points: the query must ask about places it was not shown"
GLOBAL = "the same seed gives other points: pass generator=generator to torch.rand"
FROZEN = "every call gives the same points: a generator that moves on must give new ones"
FAULTS = (SHAPE, RANGE, ADDED, UNSCALED, PER_POINT, OFF, SHARED, GLOBAL, FROZEN)


def check_sample_task(attempt: Callable) -> Verdict:
    """Judge `sample_task(amplitude, phase, shots, queries, generator)` ->
    ((support_x, support_y), (query_x, query_y)), x uniform over -5 to 5, each (points, 1)."""

    def fault_found(amplitude: float, phase: float, shots: int, queries: int, seed: int) -> object:
        generator = torch.Generator().manual_seed(seed)
        made = attempt(amplitude, phase, shots, queries, generator)
        if made is None or made is ...:
            return made
        again = attempt(amplitude, phase, shots, queries, torch.Generator().manual_seed(seed))
        after = attempt(amplitude, phase, shots, queries, generator)
        return _fault(made, again, after, amplitude, phase, shots, queries)

    return judge(
        fault_found,
        lambda *_: RIGHT,
        {fault: (lambda *_, fault=fault: fault) for fault in FAULTS},
        [(2.0, 0.7, 30, 50, 0), (0.5, 2.5, 40, 30, 1), (4.0, 1.2, 20, 60, 2)],
        praise="right: one wave, seen at some points, and asked about at others",
    )


def _fault(made, again, after, amplitude: float, phase: float, shots: int, queries: int) -> str:
    """The first thing that is wrong with a task, or RIGHT."""
    try:
        (support_x, support_y), (query_x, query_y) = made
        shapes = [tuple(part.shape) for part in (support_x, support_y, query_x, query_y)]
    except (TypeError, ValueError, AttributeError):
        raise TypeError("return (support_x, support_y), (query_x, query_y), all tensors") from None
    if shapes != [(shots, 1)] * 2 + [(queries, 1)] * 2:
        return SHAPE
    x, y = torch.cat([support_x, query_x]).double(), torch.cat([support_y, query_y]).double()
    if x.abs().max() > 5 or x.min() > -3 or x.max() < 3:
        return RANGE
    if not _close(y, amplitude * torch.sin(x - phase)):
        return _off_the_wave(x, y, amplitude, phase)
    if (support_x == query_x.T).any():
        return SHARED
    if not _close(made[0][0], again[0][0]):
        return GLOBAL
    return FROZEN if _close(made[0][0], after[0][0]) else RIGHT


def _off_the_wave(x: Tensor, y: Tensor, amplitude: float, phase: float) -> str:
    if _close(y, amplitude * torch.sin(x + phase)):
        return ADDED
    wave = torch.sin(x - phase)
    if _close(y, wave):
        return UNSCALED
    per_point = (y / wave)[wave.abs() > 0.1]
    inside = (per_point > -0.01).all() and (per_point < 5.01).all()
    return PER_POINT if inside and per_point.std() > 0.1 else OFF


def _close(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() < 1e-4).all())  # the learner's tensors are float32


def check_conditional_mean(attempt: Callable) -> Verdict:
    """Judge `conditional_mean(x, amplitude, phase)`: E[y | x] of y = A sin(x - p), where A and p
    are uniform over the given (low, high)."""

    def share(x: Tensor, phase: tuple[float, float]) -> Tensor:
        low, high = phase
        return (torch.cos(x - high) - torch.cos(x - low)) / (high - low)

    def right(x: Tensor, amplitude: tuple[float, float], phase: tuple[float, float]) -> Tensor:
        return sum(amplitude) / 2 * share(x, phase)

    mistakes = {
        "the mean of the waves is not the wave with the mean phase: they partly cancel": (
            lambda x, a, p: sum(a) / 2 * torch.sin(x - sum(p) / 2)
        ),
        "the mean amplitude is missing": lambda x, a, p: share(x, p),
        "the sign is flipped: d/dp cos(x - p) is +sin(x - p)": lambda x, a, p: -right(x, a, p),
        "divide by the length of the phase's range: a mean is an integral over a length": (
            lambda x, a, p: right(x, a, p) * (p[1] - p[0])
        ),
        "this holds for phases from 0 to pi only; use the range you are given": (
            lambda x, a, p: -sum(a) / 2 * 2 / math.pi * torch.cos(x)
        ),
        "this is the amplitude's half range; its mean is (low + high) / 2": (
            lambda x, a, p: (a[1] - a[0]) / 2 * share(x, p)
        ),
    }
    x = torch.linspace(-5, 5, 21, dtype=torch.float64)
    problems = [
        (x, (0.1, 5.0), (0.0, 1.0)),
        (x, (1.0, 3.0), (0.5, 2.5)),
        (x, (0.1, 5.0), (0.0, math.pi)),
    ]
    praise = "right: exact, and for any ranges"
    return judge(attempt, right, mistakes, problems, praise=praise)


def check_floor(attempt: Callable[[Tensor], Tensor]) -> Verdict:
    """Judge `floor(y)`, y (tasks, points) at the same x for all tasks: the least mean squared error
    that one function of x, the same for all tasks, can have."""

    def right(y: Tensor) -> Tensor:
        return y.var(0, correction=0).mean()

    mistakes = {
        "this is what the best constant leaves; a function may answer differently at each x": (
            lambda y: y.var(correction=0)
        ),
        "you took the mean over each task's points, as if the function knew the task; take it over "
        "the tasks, at each x": (lambda y: y.var(1, correction=0).mean()),
        "this is the error of always answering 0": lambda y: (y**2).mean(),
        "this is a standard deviation; the squared error was asked for": lambda y: right(y).sqrt(),
        "this is the mean standard deviation; the squared error was asked for": (
            lambda y: y.std(0, correction=0).mean()
        ),
        "var divides by n - 1 unless told otherwise; a mean squared error divides by n": (
            lambda y: y.var(0).mean()
        ),
        "one number was asked for: take the mean over the points too": (
            lambda y: y.var(0, correction=0)
        ),
        "you summed over the points; the mean was asked for": (
            lambda y: y.var(0, correction=0).sum()
        ),
        "this is the mean absolute error; square the differences": (
            lambda y: (y - y.mean(0)).abs().mean()
        ),
    }
    generator = torch.Generator().manual_seed(0)

    def draw(tasks: int, points: int) -> Tensor:
        own, shared = (
            torch.randn(size, generator=generator, dtype=torch.float64)
            for size in ((tasks, 1), (1, points))
        )
        noise = torch.randn(tasks, points, generator=generator, dtype=torch.float64)
        return 2.0 + own + 3.0 * shared + noise

    praise = "right: no single network, however large, gets below this"
    return judge(attempt, right, mistakes, [(draw(6, 9),), (draw(11, 4),)], praise=praise)
