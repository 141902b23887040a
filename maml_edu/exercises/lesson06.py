"""Checks of lesson 06: where a plane sees a point, curvature without a Hessian, linear CKA."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad, jvp

from maml_edu.exercises.judge import Verdict, judge

__all__ = ["check_cka", "check_curvature", "check_plane_point"]


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


# The largest curvature ---------------------------------------------------------------------------


def _curvature_with(
    *, product: str = "jvp", again: bool = True, normalise: bool = True, value: str = "rayleigh"
) -> Callable:
    """Power iteration on the Hessian, right unless a mistake is asked for."""

    def curvature(loss_fn: Callable, w: Tensor, v: Tensor, iterations: int) -> Tensor:
        slope = grad(loss_fn)
        multiply = {
            "jvp": lambda v: jvp(slope, (w,), (v,))[1],
            "gradient": lambda v: slope(w) * v,
            "step": lambda v: slope(w + v) - slope(w),
            "at zero": lambda v: jvp(slope, (torch.zeros_like(w),), (v,))[1],
        }[product]
        v = v / v.norm()
        for _ in range(iterations if again else 1):
            v = multiply(v)
            if normalise:
                v = v / v.norm()
        moved = multiply(v)
        return {
            "rayleigh": v @ moved,
            "rate": 2 / (v @ moved),
            "square": (moved @ moved) / (v @ v),
            "gradient": v @ slope(w),
        }[value]

    return curvature


CURVATURE_MISTAKES = {
    "the vector is not brought back to length 1, so the result grows with its length": (
        _curvature_with(normalise=False)
    ),
    "this multiplies by the gradient, entry by entry; the Hessian is the gradient's derivative: "
    "jvp(grad(loss_fn), (w,), (v,))[1]": _curvature_with(product="gradient"),
    "this is the gradient's change over a whole step of length 1, not its derivative at w: the two "
    "are equal on bowls alone": _curvature_with(product="step"),
    "the Hessian is taken at 0, not at w: the tangent v and the point w are different arguments": (
        _curvature_with(product="at zero")
    ),
    "it multiplies once only: the vector has not turned towards the steepest direction yet": (
        _curvature_with(again=False)
    ),
    "this is the slope along v, not the curvature: multiply v by H v": _curvature_with(
        value="gradient"
    ),
    "this is the square of the curvature: multiply v by H v, not H v by itself": _curvature_with(
        value="square"
    ),
    "this is 2 divided by the curvature: the rate, where the curvature was asked for": (
        _curvature_with(value="rate")
    ),
}


def check_curvature(attempt: Callable) -> Verdict:
    """`attempt(loss_fn, w, v, iterations)` -> the Hessian's largest eigenvalue, a scalar, by power
    iteration from v; `loss_fn` takes w, (n,)."""
    problems = []
    for seed, n in enumerate([3, 6, 5]):
        generator = torch.Generator().manual_seed(seed)
        drawn = {"generator": generator, "dtype": torch.float64}
        turn = torch.linalg.qr(torch.randn(n, n, **drawn)).Q
        bowl = turn @ torch.diag(torch.linspace(0.5, 2.0, n, dtype=torch.float64)) @ turn.T
        bowl = bowl + 4 * torch.outer(turn[:, 0], turn[:, 0])  # one direction is far steeper
        problems.append((_bent(bowl), 0.4 * torch.randn(n, **drawn), torch.randn(n, **drawn), 60))
    praise = "right: two gradients a product, and no Hessian was built"
    return judge(attempt, _curvature_with(), CURVATURE_MISTAKES, problems, praise=praise)


def _bent(bowl: Tensor) -> Callable[[Tensor], Tensor]:
    """A loss whose curvature differs from place to place, so that where it is taken shows."""

    def loss_fn(w: Tensor) -> Tensor:
        return 0.5 * w @ bowl @ w + 0.25 * (w @ bowl @ w) ** 2 + w.sum()

    return loss_fn


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
