"""Attempts at lesson 01's exercises, as readers might write them."""

from __future__ import annotations

import math

import torch


def sampler(
    x_of=lambda n, g: 10 * torch.rand(n, 1, generator=g) - 5,
    wave=lambda a, p, x, g: a * torch.sin(x - p),
    again=False,
    flat=False,
    seed=None,
):
    """A `sample_task`, right unless one of its parts is replaced."""

    def sample_task(amplitude, phase, shots, queries, generator):
        if seed is not None:
            generator = torch.Generator().manual_seed(seed)
        x = x_of(shots + queries, generator)
        if again:  # the query begins with the support set's points
            x = torch.cat([x[:shots], x[:queries]])
            x = torch.cat([x, x_of(shots + queries - len(x), generator)])
        y = wave(amplitude, phase, x, generator)
        if flat:
            x, y = x[:, 0], y[:, 0]
        return (x[:shots], y[:shots]), (x[shots:], y[shots:])

    return sample_task


def conditional_mean(x, amplitude, phase):
    (a, b), (low, high) = amplitude, phase
    return (a + b) / 2 * (torch.cos(x - high) - torch.cos(x - low)) / (high - low)


def floor(y):
    return ((y - y.mean(0)) ** 2).mean()


def rand_like(x, generator):
    return torch.rand(x.shape, generator=generator)


RIGHT = {
    "check_sample_task": [sampler()],
    "check_conditional_mean": [conditional_mean],
    "check_floor": [floor],
}
WRONG = {
    "check_sample_task": [
        (sampler(flat=True), "shape (points, 1)"),
        (sampler(x_of=lambda n, g: torch.rand(n, 1, generator=g)), "stretch and shift"),
        (sampler(wave=lambda a, p, x, g: a * torch.sin(x + p)), "phase is added"),
        (sampler(wave=lambda a, p, x, g: torch.sin(x - p)), "amplitude is missing"),
        (
            sampler(wave=lambda a, p, x, g: 5 * rand_like(x, g) * torch.sin(x - p)),
            "differs from point to point",
        ),
        (sampler(wave=lambda a, p, x, g: a * torch.cos(x - p)), "do not lie on"),
        (sampler(again=True), "share points"),
        (sampler(x_of=lambda n, g: 10 * torch.rand(n, 1) - 5), "same seed"),
        (sampler(seed=5), "every call"),
        (lambda *_: (torch.zeros(3, 1), torch.zeros(3, 1)), "(support_x, support_y)"),
    ],
    "check_conditional_mean": [
        (lambda x, a, p: sum(a) / 2 * torch.sin(x - sum(p) / 2), "partly cancel"),
        (lambda x, a, p: conditional_mean(x, (1, 1), p), "amplitude is missing"),
        (lambda x, a, p: -conditional_mean(x, a, p), "sign is flipped"),
        (lambda x, a, p: conditional_mean(x, a, p) * (p[1] - p[0]), "length of the phase's range"),
        (lambda x, a, p: conditional_mean(x, a, (0, math.pi)), "from 0 to pi only"),
        (lambda x, a, p: conditional_mean(x, (0, a[1] - a[0]), p), "(low + high) / 2"),
    ],
    "check_floor": [
        (lambda y: ((y - y.mean()) ** 2).mean(), "best constant"),
        (lambda y: ((y - y.mean(1, keepdim=True)) ** 2).mean(), "knew the task"),
        (lambda y: (y**2).mean(), "answering 0"),
        (lambda y: floor(y).sqrt(), "standard deviation"),
        (lambda y: y.var(0).mean(), "divides by n"),
        (lambda y: ((y - y.mean(0)) ** 2).mean(0), "over the points too"),
    ],
}
