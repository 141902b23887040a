"""Checks of lesson 01: a task, the mean of all waves, and what that mean leaves."""

import math

import torch
from torch import Tensor

from maml_edu.exercises.common import Draws, support_and_query
from maml_edu.exercises.judge import Comparison, Fault, Inspection
from maml_edu.exercises.solved import exercise

__all__ = ["check_conditional_mean", "check_floor", "check_sample_task"]


@exercise("01.1", "make a task")
def check_sample_task() -> Inspection:
    """`sample_task(amplitude, phase, shots, queries, generator)` -> (support_x, support_y),
    (query_x, query_y), each (points, 1), x uniform over -5 to 5."""

    def inspect(attempt, amplitude, phase, shots, queries, seed):
        def made(generator):
            task = support_and_query(attempt(amplitude, phase, shots, queries, generator))
            if [part.shape for part in task] != [(shots, 1)] * 2 + [(queries, 1)] * 2:
                raise Fault("each x and y must have the shape (points, 1)")
            return task

        generator = torch.Generator().manual_seed(seed)
        task, after = made(generator), made(generator)
        again = made(torch.Generator().manual_seed(seed))
        if fault := _fault_of_task(*task, amplitude, phase):
            return fault
        if not _close(task[0], again[0]):
            return "the same seed gives other points: pass generator=generator to torch.rand"
        if _close(task[0], after[0]):
            return "every call gives the same points: a generator that moves on must give new ones"
        return ""

    problems = [(2.0, 0.7, 30, 50, 0), (0.5, 2.5, 40, 30, 1), (4.0, 1.2, 20, 60, 2)]
    return Inspection(inspect, problems, "right: one wave, shown at some points, asked at others")


def _fault_of_task(support_x, support_y, query_x, query_y, amplitude, phase) -> str:
    x, y = torch.cat([support_x, query_x]).double(), torch.cat([support_y, query_y]).double()
    if not (x.abs().max() <= 5 and x.min() < -3 and x.max() > 3):
        return "x must be spread over -5 to 5; torch.rand gives 0 to 1, so stretch and shift it"
    if not _close(y, amplitude * torch.sin(x - phase)):
        return _off_the_wave(x, y, amplitude, phase)
    if (support_x == query_x.T).any():
        return "support and query share points: the query must ask about places it was not shown"
    return ""


def _off_the_wave(x: Tensor, y: Tensor, amplitude: float, phase: float) -> str:
    if _close(y, amplitude * torch.sin(x + phase)):
        return "the phase is added: the wave is amplitude * sin(x - phase)"
    wave = torch.sin(x - phase)
    if _close(y, wave):
        return "the amplitude is missing from y"
    per_point = (y / wave)[wave.abs() > 0.1]
    if (per_point > -0.01).all() and (per_point < 5.01).all() and per_point.std() > 0.1:
        return "the amplitude differs from point to point; all points of one task share one wave"
    return "the points do not lie on amplitude * sin(x - phase)"


def _close(a: Tensor, b: Tensor) -> bool:
    return bool(((a - b).abs() < 1e-4).all())  # the reader's tensors are float32


@exercise("01.2", "other waves, another mean")
def check_conditional_mean() -> Comparison:
    """`conditional_mean(x, amplitude, phase)` -> E[y | x] of y = A sin(x - p), where A and p are
    uniform over the given (low, high)."""

    def right(x, amplitude, phase):
        (low, high), mean = phase, sum(amplitude) / 2
        return mean * (torch.cos(x - high) - torch.cos(x - low)) / (high - low)

    mistakes = {
        "the mean phase? waves partly cancel": lambda x, a, p: sum(a) / 2 * (x - sum(p) / 2).sin(),
        "the mean amplitude is missing": lambda x, a, p: right(x, (1, 1), p),
        "the sign is flipped: d/dp cos(x - p) is +sin(x - p)": lambda x, a, p: -right(x, a, p),
        "divide by the length of the phase's range": lambda x, a, p: right(x, a, p) * (p[1] - p[0]),
        "this holds for phases from 0 to pi only": lambda x, a, p: right(x, a, (0, math.pi)),
        "the mean amplitude is (low + high) / 2": lambda x, a, p: right(x, (-a[0], a[1]), p),
    }
    x = torch.linspace(-5, 5, 21, dtype=torch.float64)
    ranges = [((0.1, 5.0), (0.0, 1.0)), ((1.0, 3.0), (0.5, 2.5)), ((0.1, 5.0), (0.0, math.pi))]
    praise = "right: exact, and for any ranges"
    return Comparison(right, mistakes, [(x, *both) for both in ranges], praise)


@exercise("01.3", "the floor")
def check_floor() -> Comparison:
    """`floor(y)` -> the least mean squared error that one function of x, the same for all tasks,
    can have. y: (tasks, points), at the same x for all tasks."""

    def right(y):
        return y.var(0, correction=0).mean()

    mistakes = {
        "the best constant leaves this; a function differs with x": lambda y: y.var(correction=0),
        "this knew the task: take it over tasks, dim 0": lambda y: y.var(1, correction=0).mean(),
        "this is the error of always answering 0": lambda y: (y**2).mean(),
        "this is a standard deviation; square it": lambda y: right(y).sqrt(),
        "var divides by n - 1; a mean divides by n: correction=0": lambda y: y.var(0).mean(),
        "take the mean over the points too, for one number": lambda y: y.var(0, correction=0),
        "this is summed over the points; take the mean": lambda y: right(y) * y.shape[1],
        "this is the absolute error; square it": lambda y: (y - y.mean(0)).abs().mean(),
    }
    draws = Draws(0)

    def values(tasks, points):
        own, shared = draws.normal(tasks, 1), draws.normal(1, points)
        return 2.0 + own + 3.0 * shared + draws.normal(tasks, points)

    praise = "right: no single network, however large, gets below this"
    return Comparison(right, mistakes, [(values(6, 9),), (values(11, 4),)], praise)
