"""Attempts at lesson 18's exercises, as readers might write them."""

from __future__ import annotations

import torch


def ink_by_samples(points, a, b, width):
    """Many dots along the way: nearly a line."""
    way = a + torch.linspace(0, 1, 20_001, dtype=torch.float64)[:, None] * (b - a)
    return torch.cdist(points, way).amin(1) <= width / 2


def placed_by_axis(points, least, most):
    moved = points.clone()
    for axis in (0, 1):
        middle = (points[:, axis].min() + points[:, axis].max()) / 2
        if middle < least[axis]:
            moved[:, axis] += least[axis] - middle
        if middle > most[axis]:
            moved[:, axis] -= middle - most[axis]
    return moved


def head_by_stack(weight, bias, way):
    return torch.stack([weight.mean(0)] * way), torch.stack([bias.mean()] * way)


def whole_line(points, a, b, width):
    x, y = (b - a) / (b - a).norm().clamp_min(1e-12)
    across = (points - a) @ torch.stack([-y, x])
    return across.abs() <= width / 2


def whole_width(points, a, b, width):
    return ink_by_samples(points, a, b, 2 * width)


def no_dots(points, a, b, width):
    share = ((points - a) @ (b - a) / ((b - a) @ (b - a))).clamp(0, 1)
    return (points - a - share[:, None] * (b - a)).norm(dim=1) <= width / 2


def centred(points, least, most):
    return points + (least + most) / 2 - (points.min(0).values + points.max(0).values) / 2


def by_the_mean(points, least, most):
    middle = points.mean(0)
    return points - middle + torch.maximum(least, torch.minimum(middle, most))


def clipped(points, least, most):
    return torch.maximum(least, torch.minimum(points, most))


def sliced(weight, bias, way):
    return weight[:way], bias[:way]


def zeros(weight, bias, way):
    return torch.zeros(way, weight.shape[1]), torch.zeros(way)


def one_number(weight, bias, way):
    return weight.mean() * torch.ones(way, weight.shape[1]), bias.mean() * torch.ones(way)


def normal_head(weight, bias, way):
    draw = torch.Generator().manual_seed(0)
    return torch.randn(way, weight.shape[1], generator=draw), torch.zeros(way)


# Whatever the rows are, where they are the same for all classes.
SAME_ROWS = [
    head_by_stack,
    zeros,
    one_number,
    lambda w, b, way: (w[:1].repeat(way, 1), b[:1].repeat(way)),
    lambda w, b, way: (w.sum(0).expand(way, -1), b.mean().expand(way)),
    lambda w, b, way: (w.mean(0).expand(way, -1), torch.zeros(way)),
    lambda w, b, way: (5 * torch.randn(w.shape[1]).expand(way, -1), 3 * torch.ones(way)),
    lambda w, b, way: (w.mean(0).expand(way, -1).numpy(), [0.0] * way),
]
RIGHT = {
    "check_ink": [ink_by_samples],
    "check_placed": [placed_by_axis],
    "check_head_for": SAME_ROWS,
}
WRONG = {
    "check_ink": [
        (whole_line, ""),
        (whole_width, "take half"),
        (no_dots, "0 / 0 is nan"),
        (lambda p, a, b, w: p, "shape"),
        (lambda *given: ink_by_samples(*given).double(), "True or False was asked for"),
    ],
    "check_placed": [
        (centred, "very middle"),
        (by_the_mean, "mean of the points"),
        (clipped, "squashes"),
    ],
    "check_head_for": [
        (sliced, ""),
        (normal_head, "probabilities before the first inner step"),
        (lambda w, b, way: (zeros(w, b, way)[0], torch.arange(way)), "before the first inner step"),
        (lambda w, b, way: (w.mean(0), b.mean()), "repeat it for every class"),
        (lambda w, b, way: (w.mean(0).expand(way + 1, -1), b.mean().expand(way)), "shapes"),
        (lambda w, b, way: w.mean(0).expand(way, -1), "return (weight, bias)"),
    ],
}
