"""Attempts at lesson 31's exercises, as readers might write them."""

from __future__ import annotations

import torch


def by_autograd(step, states, slope):
    start = states[0].clone().requires_grad_()
    end = start
    for _ in states[1:]:
        end = step(end)
    return torch.autograd.grad(end, start, slope)[0]


def by_jacobians(step, states, slope):
    for state in states[-2::-1]:
        slope = torch.func.jacrev(step)(state).T @ slope
    return slope


def task_by_task(gradients, shares):
    tasks = [g for g, share in zip(gradients, shares, strict=True) for _ in range(share)]
    return {n: torch.stack([g[n] for g in tasks]).mean(0) for n in gradients[0]}


def forwards(step, states, slope):
    for state in states[:-1]:
        slope = torch.func.vjp(step, state)[1](slope)[0]
    return slope


def where_it_ended(step, states, slope):
    for state in states[:0:-1]:
        slope = torch.func.vjp(step, state)[1](slope)[0]
    return slope


def not_transposed(step, states, slope):
    for state in states[-2::-1]:
        slope = torch.func.jacrev(step)(state) @ slope
    return slope


def plain_mean(gradients, shares):
    return {n: sum(g[n] for g in gradients) / len(gradients) for n in gradients[0]}


def plain_sum(gradients, shares):
    return {n: sum(g[n] for g in gradients) for n in gradients[0]}


RIGHT = {
    "check_walk_back": [by_autograd, by_jacobians],
    "check_workers_mean": [task_by_task],
}
WRONG = {
    "check_walk_back": [
        (lambda step, states, slope: slope, "first-order gradient"),
        (forwards, "in the order of the steps"),
        (where_it_ended, "from where it ended"),
        (not_transposed, "jvp"),
    ],
    "check_workers_mean": [
        (plain_mean, "small share count more"),
        (plain_sum, "a mean already"),
    ],
}
