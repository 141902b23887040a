"""Attempts at lesson 07's exercises, as readers might write them."""

from __future__ import annotations

import torch


def point_by_qr(theta, a, b, c):
    directions, lengths = torch.linalg.qr(torch.stack([a - theta, b - theta], 1))
    return lengths.diagonal().sign() * ((c - theta) @ directions)


def lowest_by_matrix(product, v, iterations):
    matrix = torch.stack([product(row) for row in torch.eye(len(v), dtype=v.dtype)])
    return torch.linalg.eigvalsh(matrix)[0]


def cka_by_samples(x, y):
    n = len(x)
    centre = torch.eye(n, dtype=x.dtype) - 1 / n
    k, m = centre @ x @ x.T @ centre, centre @ y @ y.T @ centre
    return (k * m).sum() / ((k * k).sum() * (m * m).sum()).sqrt()


def uncentred(x, y):
    return (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())


def of_squares(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return (y.T @ x).square().sum()


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
    "check_cka": [cka_by_samples],
}
WRONG = {
    "check_plane_point": [
        (no_right_angle, "right angle"),
        (from_the_origin, "subtract theta"),
        (lambda t, a, b, c: c, "shape"),
    ],
    "check_lowest_curvature": [(the_largest, "finds by itself")],
    "check_cka": [
        (uncentred, "not centred"),
        (of_squares, "scale of the features"),
        (lambda x, y: x.T @ y, "shape"),
    ],
}
