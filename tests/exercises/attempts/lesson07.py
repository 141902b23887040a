"""Attempts at lesson 07's exercises, as readers might write them."""

from __future__ import annotations

import torch


def point_by_qr(theta, a, b, c):
    directions, lengths = torch.linalg.qr(torch.stack([a - theta, b - theta], 1))
    return lengths.diagonal().sign() * ((c - theta) @ directions)


def lowest_by_matrix(product, v, iterations):
    matrix = torch.stack([product(row) for row in torch.eye(len(v), dtype=v.dtype)])
    return torch.linalg.eigvalsh(matrix)[0]


def the_largest(product, v, iterations):
    for _ in range(iterations):
        v = product(v / v.norm())
    return v / v.norm() @ product(v / v.norm())


def no_right_angle(theta, a, b, c):
    first, second = ((end - theta) / (end - theta).norm() for end in (a, b))
    return torch.stack([(c - theta) @ first, (c - theta) @ second])


def from_the_origin(theta, a, b, c):
    directions = torch.linalg.qr(torch.stack([a - theta, b - theta], 1))
    return directions.R.diagonal().sign() * (c @ directions.Q)


RIGHT = {
    "check_plane_point": [point_by_qr],
    "check_lowest_curvature": [lowest_by_matrix],
}
WRONG = {
    "check_plane_point": [
        (no_right_angle, "right angle"),
        (from_the_origin, "subtract theta"),
        (lambda t, a, b, c: c, "shape"),
    ],
    "check_lowest_curvature": [(the_largest, "finds by itself")],
}
