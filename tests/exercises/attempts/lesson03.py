"""Attempts at lesson 03's exercises, as readers might write them."""

from __future__ import annotations

import torch
from torch.func import grad


def adapted(loss_fn, theta, support, inner_lr, create_graph=True):
    loss = loss_fn(theta, *support)
    grads = torch.autograd.grad(loss, list(theta.values()), create_graph=create_graph)
    return {name: p - inner_lr * g for (name, p), g in zip(theta.items(), grads, strict=True)}


def task_loss(loss_fn, theta, support, query, inner_lr):
    return loss_fn(adapted(loss_fn, theta, support, inner_lr), *query)


def at_theta(loss_fn, theta, support, query, inner_lr):
    return loss_fn(theta, *query)


def reused(loss_fn, theta, support, query, inner_lr):
    return task_loss(loss_fn, theta, support, support, inner_lr)


def peeked(loss_fn, theta, support, query, inner_lr):
    return task_loss(loss_fn, theta, query, query, inner_lr)


def swapped(loss_fn, theta, support, query, inner_lr):
    return task_loss(loss_fn, theta, query, support, inner_lr)


def first_order(loss_fn, theta, support, query, inner_lr):
    return loss_fn(adapted(loss_fn, theta, support, inner_lr, create_graph=False), *query)


def product(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps, after=None):
    """The same thing another way: walk down, then multiply on the way back."""
    state = theta
    for _ in range(inner_steps):
        state = state - inner_lr * A_s @ (state - c_s)
    gradient = A_q @ (state - c_q)
    for _ in range(inner_steps if after is None else after):
        gradient = gradient - inner_lr * A_s @ gradient
    return gradient


def outer_step(task_loss, theta, tasks, meta_lr):
    loss = sum(task_loss(theta, task) for task in tasks) / len(tasks)
    grads = torch.autograd.grad(loss, list(theta.values()))
    return {name: p - meta_lr * g for (name, p), g in zip(theta.items(), grads, strict=True)}


def summed(task_loss, theta, tasks, meta_lr):
    return outer_step(task_loss, theta, tasks, meta_lr * len(tasks))


def flipped(task_loss, theta, tasks, meta_lr):
    return outer_step(task_loss, theta, tasks, -meta_lr)


def one_by_one(task_loss, theta, tasks, meta_lr):
    for task in tasks:
        theta = outer_step(task_loss, theta, [task], meta_lr)
    return theta


def last_only(task_loss, theta, tasks, meta_lr):
    return outer_step(task_loss, theta, tasks[-1:], meta_lr)


def with_func(loss_fn, theta, support, query, inner_lr, keep=lambda g: g):
    grads = grad(loss_fn)(theta, *support)
    return loss_fn({n: p - inner_lr * keep(grads[n]) for n, p in theta.items()}, *query)


RIGHT = {
    "check_task_loss": [task_loss, with_func],
    "check_jacobian_product": [product],
    "check_outer_step": [outer_step],
}
WRONG = {
    "check_task_loss": [
        (at_theta, "pre-training"),
        (reused, "used again as the query"),
        (peeked, "adapts to the query set"),
        (swapped, "swapped"),
        (first_order, "first-order"),
        (lambda *problem: adapted(*problem[:3], problem[4]), "a single number was asked for"),
        (lambda *problem: task_loss(*problem).item(), "return tensors"),
        (lambda *problem: task_loss(*problem).detach(), "gradient with respect to theta"),
    ],
    "check_jacobian_product": [
        (lambda *problem: product(*problem, after=0), "first-order"),
        (lambda *problem: product(*problem, after=1), "one for every inner step"),
        (lambda *problem: product(*problem, after=problem[-1] + 1), "one factor too many"),
        (lambda *problem: product(*problem) + 1, "the numbers differ"),
    ],
    "check_outer_step": [
        (summed, "sum over tasks"),
        (flipped, "sign is flipped"),
        (one_by_one, "after each task"),
        (last_only, "only the last task"),
    ],
}
