"""Checks of lesson 07: where a plane sees a point, the lowest curvature."""

from functools import partial

import torch

from maml_edu.exercises.common import Draws
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_lowest_curvature", "check_plane_point"]


@exercise("07.1", "another plane")
def check_plane_point() -> Comparison:
    """`attempt(theta, a, b, c)` -> the coordinates (2,) of c's shadow in the plane through theta,
    a and b: the first direction points to a, the second is at a right angle to it, on b's side."""

    def right(theta, a, b, c, turn=1.0, normed=True):
        first, second = a - theta, b - theta
        second = second - turn * (second @ first) / (first @ first) * first
        lengths = [one.norm() if normed else 1.0 for one in (first, second)]
        return torch.stack([(c - theta) @ first / lengths[0], (c - theta) @ second / lengths[1]])

    def oblique(theta, a, b, c):
        ends = torch.stack([a - theta, b - theta], 1)
        return torch.linalg.lstsq(ends, (c - theta)[:, None]).solution[:, 0]

    mistakes = {
        "subtract theta first, so that theta is at (0, 0)": lambda *p: right(*p[:-1], p[-1] + p[0]),
        "no right angle: subtract b's part along the first direction": partial(right, turn=0.0),
        "distances are not true: divide each direction by its length": partial(right, normed=False),
        "these are multiples of a - theta and b - theta: an oblique grid distorts angles": oblique,
        "a and b are swapped: the first points to a": lambda theta, a, b, c: right(theta, b, a, c),
    }
    problems = []
    for seed, n in enumerate([4, 9, 30]):
        theta, a, b, c = Draws(seed).normal(4, n)
        problems.append((theta, theta + a, theta + 2 * b + 0.5 * a, theta + c))
    return Comparison(right, mistakes, problems, "right: your plane keeps distances and angles")


@exercise("07.2", "the lowest curvature")
def check_lowest_curvature() -> Comparison:
    """`attempt(product, v, iterations)` -> the lowest eigenvalue, a scalar, of the symmetric matrix
    that `product` multiplies by; v: where power iteration begins."""

    def power(product, v, iterations):
        """The eigenvalue that is largest in size, with its sign."""
        for _ in range(iterations):
            v = v / v.norm()
            last, v = v, product(v)
        return last @ v

    def shifted(product, v, iterations, by, undo=1.0):
        return power(lambda v: product(v) - by * v, v, iterations) + undo * by

    def right(*problem, undo=1.0):
        return shifted(*problem, by=power(*problem).abs(), undo=undo)

    mistakes = {
        "this one power iteration finds by itself; shift, so that the lowest is largest": power,
        "with -H the same eigenvalue is still the largest in size: shift": lambda *p: -power(*p),
        "the shift is not undone: add it to the result": partial(right, undo=0.0),
        "the shift is undone the wrong way: add what was subtracted": partial(right, undo=-1.0),
        "nearly: shift by the size, abs(), of the eigenvalue": lambda *p: shifted(*p, by=power(*p)),
    }
    problems = []
    for seed, spectrum in enumerate([(5, 1, 0.5, -2), (2, 1, 0.5, -1, -6), (8, 4, 3, 1)]):
        draws, n = Draws(seed), len(spectrum)
        turn = torch.linalg.qr(draws.normal(n, n)).Q
        matrix = turn @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ turn.T
        problems.append((matrix.mv, draws.normal(n), 120))
    return Comparison(right, mistakes, problems, "right: no direction curves further down")
