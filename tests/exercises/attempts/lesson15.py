"""Attempts at lesson 15's exercises, as readers might write them."""

from __future__ import annotations

import torch


def by_loop(query, support, labels):
    return torch.stack([labels[(support - one).norm(dim=1).argmin()] for one in query])


def choose_by_loop(validation, test):
    best, at = -1.0, (0, 0)
    for i, row in enumerate(validation):
        for k, value in enumerate(row):
            if value > best:
                best, at = value, (i, k)
    return *at, test[at]


def chosen_on_test(validation, test):
    best = int(test.argmax())
    one, step = best // test.shape[1], best % test.shape[1]
    return one, step, test.max()


def mean_over_steps(validation, test):
    one = int(validation.mean(1).argmax())
    return one, 0, test[one, 0]


def paired(one, other):
    gain = one - other
    return gain.mean(), 1.96 * gain.std() / gain.numel() ** 0.5


def two_intervals(one, other):
    error = torch.sqrt(one.var() / len(one) + other.var() / len(other))
    return (one - other).mean(), 1.96 * error


RIGHT = {
    "check_nearest_neighbour": [by_loop, lambda q, s, y: y[torch.cdist(q, s).argmin(1)]],
    "check_choice": [choose_by_loop],
    "check_paired": [paired],
}
WRONG = {
    "check_nearest_neighbour": [
        (lambda q, s, y: torch.cdist(q, s).argmin(1), "its label is asked for"),
        (lambda q, s, y: y[(q @ s.T).argmax(1)], "no distance"),
        (lambda q, s, y: y[torch.cdist(q, s).argmax(1)], "farthest"),
    ],
    "check_choice": [
        (chosen_on_test, "luckiest"),
        (lambda v, t: (*choose_by_loop(v, t)[:2], v.max()), "validation accuracy of its choice"),
        (mean_over_steps, "the numbers differ"),
    ],
    "check_paired": [
        (two_intervals, "unpaired interval"),
        (lambda a, b: paired(b, a), "sign is flipped"),
        (lambda a, b: (paired(a, b)[0], 2 * paired(a, b)[1]), "whole width"),
    ],
}
