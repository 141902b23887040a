"""Checks of lesson 06: where a plane sees a point, the lowest curvature, linear CKA."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from maml_edu.exercises.judge import Verdict, judge

__all__ = ["check_cka", "check_lowest_curvature", "check_plane_point"]


# Coordinates in the plane through theta and two other points -------------------------------------


def _point_with(
    *, subtract: bool = True, right_angle: bool = True, length: bool = True, swapped: bool = False,
    oblique: bool = False,
) -> Callable:  # fmt: skip
    """Coordinates in the plane through theta, a and b, right unless a mistake is asked for."""

    def point(theta: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        to_a, to_b = (b - theta, a - theta) if swapped else (a - theta, b - theta)
        first = to_a / to_a.norm() if length else to_a
        second = to_b
        if right_angle:
            second = to_b - (to_b @ to_a) / (to_a @ to_a) * to_a
        second = second / second.norm() if length else second
        moved = c - theta if subtract else c
        if oblique:
            return torch.linalg.lstsq(torch.stack([to_a, to_b], 1), moved[:, None]).solution[:, 0]
        return torch.stack([moved @ first, moved @ second])

    return point


POINT_MISTAKES = {
    "measured from where all parameters are 0: subtract theta first, so that theta is at (0, 0)": (
        _point_with(subtract=False)
    ),
    "the second direction is not at a right angle to the first: what both share is counted twice. "
    "Subtract from b - theta its part along the first direction": _point_with(right_angle=False),
    "the directions do not have length 1, so distances in the picture are not those of the "
    "parameters": _point_with(length=False),
    "these are multiples of a - theta and b - theta, an oblique grid: angles and distances in the "
    "picture would not be true": _point_with(oblique=True),
    "a and b are swapped: the first direction points from theta to a": _point_with(swapped=True),
}  # fmt: skip


def check_plane_point(attempt: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """`attempt(theta, a, b, c)` -> the coordinates (2,) of c's shadow in the plane through theta,
    a and b: the first direction points to a, the second is at a right angle to it, on b's side."""
    problems = []
    for seed, n in enumerate([4, 9, 30]):
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(4, n, generator=generator, dtype=torch.float64)
        theta, a, b, c = drawn
        problems.append((theta, theta + a, theta + 2 * b + 0.5 * a, theta + c))
    praise = "right: distances and angles in your plane are those of the parameters"
    return judge(attempt, _point_with(), POINT_MISTAKES, problems, praise=praise)


# The lowest curvature ----------------------------------------------------------------------------


def _power(product: Callable[[Tensor], Tensor], v: Tensor, iterations: int) -> Tensor:
    """The eigenvalue that is largest in size, with its sign."""
    for _ in range(iterations):
        v = v / v.norm()
        last, v = v, product(v)
    return last @ v


def _lowest_with(
    *, shift: str = "size", undo: float = 1.0, sign: float = 1.0, size: bool = False
) -> Callable:
    """The lowest eigenvalue by a shifted power iteration, right unless a mistake is asked for."""

    def lowest(product: Callable[[Tensor], Tensor], v: Tensor, iterations: int) -> Tensor:
        top = _power(product, v, iterations)
        by = {"size": top.abs(), "signed": top, "none": torch.zeros_like(top)}[shift]
        found = _power(lambda v: sign * product(v) - by * v, v, iterations)
        return (found.abs() if size else found) + undo * by

    return lowest


LOWEST_MISTAKES = {
    "this is the eigenvalue that is largest in size, which power iteration finds by itself; shift "
    "all eigenvalues first, so that the lowest becomes the largest in size": (
        _lowest_with(shift="none")
    ),
    "multiplying by -H finds the same direction again, for its eigenvalue is still the largest in "
    "size: shift instead": _lowest_with(shift="none", sign=-1.0),
    "the shift is not undone: add it to the result": _lowest_with(undo=0.0),
    "the shift is undone in the wrong direction: what was subtracted is to be added": (
        _lowest_with(undo=-1.0)
    ),
    "nearly: where the eigenvalue that is largest in size is negative itself, this finds the "
    "highest; shift by its size, abs()": _lowest_with(shift="signed"),
    "the sign of the shifted eigenvalue is lost: take v @ product(v), not the length": (
        _lowest_with(size=True)
    ),
}


def check_lowest_curvature(attempt: Callable) -> Verdict:
    """`attempt(product, v, iterations)` -> the lowest eigenvalue, a scalar, of the symmetric matrix
    that `product` multiplies by; v: where power iteration begins."""
    problems = []
    for seed, spectrum in enumerate([(5, 1, 0.5, -2), (2, 1, 0.5, -1, -6), (8, 4, 3, 1)]):
        generator = torch.Generator().manual_seed(seed)
        drawn = {"generator": generator, "dtype": torch.float64}
        n = len(spectrum)
        turn = torch.linalg.qr(torch.randn(n, n, **drawn)).Q
        matrix = turn @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ turn.T
        problems.append((matrix.mv, torch.randn(n, **drawn), 120))
    praise = "right: no direction is left that curves further down"
    return judge(attempt, _lowest_with(), LOWEST_MISTAKES, problems, praise=praise)


# Linear CKA --------------------------------------------------------------------------------------


def _cka_with(
    *, centre: int | None = 0, scaled: bool = True, square: bool = True, of: str = "features",
    flat: bool = False,
) -> Callable:  # fmt: skip
    """Linear CKA of two feature matrices, right unless a mistake is asked for."""

    def cka(x: Tensor, y: Tensor) -> Tensor:
        if flat:
            n = min(x.shape[1], y.shape[1])
            x, y = (z[:, :n] - z[:, :n].mean(0) for z in (x, y))
            return (x * y).sum() / (x.norm() * y.norm())
        if centre is not None:
            x, y = (z - z.mean(centre, keepdim=True) for z in (x, y))
        cross, own_x, own_y = y.T @ x, x.T @ x, y.T @ y
        if of == "lengths":
            own_x, own_y = x, y
        norms = [m.norm() for m in (cross, own_x, own_y)]
        top = norms[0] ** 2 if square else norms[0]
        if of == "lengths":
            return top / (norms[1] * norms[2]) ** (2 if square else 1)
        if not scaled:
            return top
        return top / (norms[1] * norms[2] if square else (norms[1] * norms[2]).sqrt())

    return cka


CKA_MISTAKES = {
    "the features are not centred: subtract each feature's mean over the samples (dim 0), or a "
    "constant that all samples share makes everything look alike": _cka_with(centre=None),
    "centred over the features (dim 1) of each sample; centre each feature over the samples, "
    "dim 0": _cka_with(centre=1),
    "it is not divided by the two layers' own norms, so it depends on the scale of the features": (
        _cka_with(scaled=False)
    ),
    "this is the root of it: the norm of y.T @ x stands squared above": _cka_with(square=False),
    "feature 1 is compared with feature 1, and so on; the same features in another order, or "
    "turned, would then count as different. All pairs count: y.T @ x": _cka_with(flat=True),
    "divided by the sizes of x and y; divide by the norms of x.T @ x and y.T @ y, or a layer is "
    "not even like itself": _cka_with(of="lengths"),
}


def check_cka(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """`attempt(x, y)` -> the linear CKA of two layers' features at the same samples, (samples, p)
    and (samples, q): a scalar between 0 and 1."""
    problems = []
    for seed, (n, p, q) in enumerate([(12, 3, 3), (20, 4, 6), (9, 5, 2)]):
        generator = torch.Generator().manual_seed(seed)
        drawn = {"generator": generator, "dtype": torch.float64}
        x = torch.randn(n, p, **drawn) + 2
        y = 3 * x @ torch.randn(p, q, **drawn) + torch.randn(n, q, **drawn) - 1
        problems.append((x, y))
    praise = "right: 1 for the same features, turned, shuffled or scaled as they may be"
    return judge(attempt, _cka_with(), CKA_MISTAKES, problems, praise=praise)
