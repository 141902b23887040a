"""Attempts at lesson 04's exercises, as readers might write them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.func import grad, vmap

from maml_edu.outer import meta_gradient, meta_step


def rate(step, steps, meta_lr):
    return meta_lr * math.cos(math.pi * step / steps / 2) ** 2


def by_hand(learner, theta, optimiser, batch):
    start = {name: p.detach() for name, p in theta.items()}
    losses = [learner.task_loss(start, batch.task(i)) for i in range(len(batch.support_x))]
    grads = [grad(learner.task_loss)(start, batch.task(i)) for i in range(len(losses))]
    for name, p in theta.items():
        p.grad = torch.stack([g[name] for g in grads]).mean(0)
    optimiser.step()
    return sum(losses) / len(losses)


def by_backward(learner, theta, optimiser, batch):
    optimiser.zero_grad()
    loss = vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()
    loss.backward()
    optimiser.step()
    return loss


def by_package(learner, theta, optimiser, batch):
    return meta_step(lambda t, b: meta_gradient(learner, t, b), optimiser, theta, batch)


def half_width(losses):
    return 1.96 * (losses.var(0) / losses.shape[0]) ** 0.5


def honest(learner, theta, trained_on, fresh):
    def one(task):
        return learner.loss_at(learner.adapt(theta, task.support, inner_steps=10)[-1], *task.query)

    return torch.stack([one(fresh.task(i)) for i in range(len(fresh.query_x))])


def numpy_half_width(losses):
    return 1.96 * np.std(losses.numpy(), axis=0) / math.sqrt(len(losses))


def new_optimiser(learner, theta, optimiser, batch):
    fresh = torch.optim.SGD(theta.values(), lr=0.02, momentum=0.9)
    return by_backward(learner, theta, fresh, batch)


def without_zero_grad(learner, theta, optimiser, batch):
    loss = vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()
    loss.backward()
    optimiser.step()
    return loss


def summed(learner, theta, optimiser, batch):
    optimiser.zero_grad()
    loss = vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).sum()
    loss.backward()
    optimiser.step()
    return loss


def ascending(learner, theta, optimiser, batch):
    optimiser.zero_grad()
    loss = vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()
    (-loss).backward()
    optimiser.step()
    return loss


def no_inner_loop(learner, theta, optimiser, batch):
    optimiser.zero_grad()
    loss = vmap(learner.loss_at, in_dims=(None, 0, 0))(theta, *batch.query).mean()
    loss.backward()
    optimiser.step()
    return loss


def no_step(learner, theta, optimiser, batch):
    loss = vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()
    loss.backward()
    return loss


def sum_returned(learner, theta, optimiser, batch):
    return by_backward(learner, theta, optimiser, batch) * len(batch.support_x)


def after_all_leaks(learner, theta, trained_on, fresh):
    def one(task):
        states = learner.adapt(theta, task.support, inner_steps=10)
        return min(learner.loss_at(state, *task.support) for state in states)

    return torch.stack([one(trained_on.task(i)) for i in range(len(trained_on.query_x))])


def best_step(learner, theta, trained_on, fresh):
    def one(task):
        states = learner.adapt(theta, task.support, inner_steps=10)
        return min(learner.loss_at(state, *task.query) for state in states)

    return torch.stack([one(fresh.task(i)) for i in range(len(fresh.query_x))])


RIGHT = {
    "check_meta_rate": [rate],
    "check_meta_step": [by_hand, by_backward, by_package],
    "check_half_width": [half_width, lambda v: 1.96 * np.std(v.numpy(), 0, ddof=1) / len(v) ** 0.5],
    "check_honest_error": [honest],
}
WRONG = {
    "check_meta_rate": [
        (lambda s, n, lr: lr / 2 * (1 + math.cos(6.28318530718 * s / n)), "full cosine"),
        (lambda s, n, lr: lr * math.sin(math.pi * s / n / 2) ** 2, "rises"),
        (lambda s, n, lr: lr / 2 * (1 + math.cos(180 * s / n)), "degrees"),
        (lambda s, n, lr: rate(s + 1, n, lr), "step 0"),
        (lambda s, n, lr: rate(s, n - 1, lr), "steps - 1"),
    ],
    "check_meta_step": [
        (ascending, "climbs"),
        (summed, "summed over the tasks"),
        (new_optimiser, "memory is lost"),
        (without_zero_grad, "pile up"),
        (no_inner_loop, "adapt to the support set first"),
        (no_step, "did not move"),
        (sum_returned, "the loss you return is summed"),
    ],
    "check_half_width": [
        (lambda v: 1.96 * v.std(0), "divide by the square root"),
        (lambda v: 1.96 * v.var(0) / len(v) ** 0.5, "the variance"),
        (lambda v: 1.96 * v.std(1) / v.shape[1] ** 0.5, "over the inner steps"),
        (lambda v: v.std(0) / len(v) ** 0.5, "68 times"),
        (numpy_half_width, "n - 1"),
    ],
    "check_honest_error": [
        (best_step, "best step"),
        (after_all_leaks, "the fresh ones"),
        (lambda *a: honest(*a).mean(), "a single number where a tensor of shape"),
    ],
}
