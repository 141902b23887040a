"""Attempts at lesson 12's exercises, as readers might write them."""

from __future__ import annotations

import math

import torch


def resting_at_zero(theta, part, inner_lr):
    return {name: 0.0 if name.startswith(part + ".") else inner_lr for name in theta}


def left_out(theta, part, inner_lr):
    return {name: inner_lr for name in theta if not name.startswith(part + ".")}


def by_the_parts_name(theta, part, inner_lr):
    return {**dict.fromkeys(theta, inner_lr), part: 0.0}


def without_the_dot(theta, part, inner_lr):
    return {name: inner_lr for name in theta if not name.startswith(part)}


def everything(theta, part, inner_lr):
    return {}


def moved_by_squares(before, after, names):
    far = sum((after[n] - before[n]).square().sum() for n in names)
    return (far / sum(before[n].square().sum() for n in names)).sqrt()


def mean_of_ratios(before, after, names):
    return sum((after[n] - before[n]).norm() / before[n].norm() for n in names) / len(names)


def change_of_norm(before, after, names):
    first, last = (torch.cat([t[n].flatten() for n in names]).norm() for t in (before, after))
    return (last - first).abs() / first


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


def paired_by_hand(all_move, frozen):
    lost = all_move - frozen
    return lost.mean(), 1.96 * lost.std() / math.sqrt(len(lost))


def unpaired(all_move, frozen):
    errors = [v.std() / math.sqrt(len(v)) for v in (all_move, frozen)]
    return all_move.mean() - frozen.mean(), 1.96 * torch.stack(errors).norm()


def gained(all_move, frozen):
    mean, half_width = paired_by_hand(all_move, frozen)
    return -mean, half_width


RIGHT = {
    "check_freeze": [resting_at_zero, left_out],
    "check_moved": [moved_by_squares],
    "check_cka": [cka_by_samples],
    "check_paired_cost": [paired_by_hand],
}
WRONG = {
    "check_freeze": [
        (by_the_parts_name, "still moves"),
        (without_the_dot, "mind the dot"),
        (everything, "rests too"),
    ],
    "check_moved": [
        (mean_of_ratios, "mean of ratios"),
        (change_of_norm, "change of the norm"),
        (lambda before, after, names: 0, "0"),
    ],
    "check_cka": [
        (uncentred, "not centred"),
        (of_squares, "scale of the features"),
        (lambda x, y: x.T @ y, "shape"),
    ],
    "check_paired_cost": [
        (unpaired, "not paired"),
        (gained, "what is lost"),
    ],
}
