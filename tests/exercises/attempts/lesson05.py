"""Attempts at lesson 05's exercises, as readers might write them."""

from __future__ import annotations

import torch
from torch.func import grad

from maml_edu.exercises.common import tiny_model
from maml_edu.learners import FOMAML, Reptile
from maml_edu.outer import meta_gradient
from maml_edu.tasks import TaskBatch


class Tiny:
    """The exercises' small network as a model."""

    has_batch_norm = False

    def __call__(self, theta, x):
        return tiny_model(theta, x)


def inner_loop(loss_fn, theta, x, y, inner_lr, inner_steps):
    state = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
    descent = torch.optim.SGD(state.values(), lr=inner_lr)
    for _ in range(inner_steps):
        descent.zero_grad()
        loss_fn(state, x, y).backward()
        descent.step()
    return state


def first_order(loss_fn, theta, support, query, inner_lr, inner_steps):
    state = inner_loop(loss_fn, theta, *support, inner_lr, inner_steps)
    grads = torch.autograd.grad(loss_fn(state, *query), list(state.values()))
    return dict(zip(state, grads, strict=True))


def reptile(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    ends = [inner_loop(loss_fn, theta, *task, inner_lr, inner_steps) for task in tasks]
    means = {n: torch.stack([end[n].detach() for end in ends]).mean(0) for n in theta}
    return {n: torch.lerp(p.detach(), means[n], meta_lr) for n, p in theta.items()}


def gradient_climbed(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    ends = [inner_loop(loss_fn, theta, *task, inner_lr, inner_steps) for task in tasks]
    return {
        n: p - meta_lr * torch.stack([end[n].detach() - p for end in ends]).mean(0)
        for n, p in theta.items()
    }


def joint(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    slope = grad(lambda t: sum(loss_fn(t, *task) for task in tasks) / len(tasks))(theta)
    return {n: p - meta_lr * inner_lr * slope[n] for n, p in theta.items()}


def batch_of(*tasks):
    return TaskBatch(
        *(torch.stack([part.detach() for part in parts]) for parts in zip(*tasks, strict=True))
    )


def by_fomaml(loss_fn, theta, support, query, inner_lr, inner_steps):
    learner = FOMAML(Tiny(), inner_lr=inner_lr, inner_steps=inner_steps)
    return meta_gradient(learner, theta, batch_of((*support, *query)))[0]


def by_reptile(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    """The package's learner goes along support and query together."""
    learner = Reptile(Tiny(), inner_lr=inner_lr, inner_steps=inner_steps)
    batch = batch_of(*((x[:3], y[:3], x[3:], y[3:]) for x, y in tasks))
    gradient, _ = meta_gradient(learner, theta, batch)
    return {n: p.detach() - meta_lr * gradient[n] for n, p in theta.items()}


def forgot_to_zero(loss_fn, theta, support, query, inner_lr, inner_steps, zero_at_last=False):
    """The function that the lesson shows."""
    state = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
    descent = torch.optim.SGD(state.values(), lr=inner_lr)
    for _ in range(inner_steps):
        loss_fn(state, *support).backward()
        descent.step()
    if zero_at_last:
        descent.zero_grad()
    loss_fn(state, *query).backward()
    return {n: p.grad for n, p in state.items()}


def zeroed_inside(loss_fn, theta, support, query, inner_lr, inner_steps):
    state = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
    descent = torch.optim.SGD(state.values(), lr=inner_lr)
    for _ in range(inner_steps):
        descent.zero_grad()
        loss_fn(state, *support).backward()
        descent.step()
    loss_fn(state, *query).backward()
    return {n: p.grad for n, p in state.items()}


def paired(errors, reference):
    n = errors.size(1)
    rows = [(a - b) for a, b in zip(errors, reference, strict=True)]
    halves = [1.96 * (row.var() / n) ** 0.5 for row in rows]
    return torch.stack([row.mean() for row in rows]), torch.stack(halves)


def unpaired(errors, reference):
    each = [e.var(1) / e.size(1) for e in (errors, reference)]
    return errors.mean(1) - reference.mean(1), 1.96 * sum(each).sqrt()


RIGHT = {
    "check_first_order": [first_order, by_fomaml],
    "check_reptile_step": [reptile, by_reptile],
    "check_paired_gap": [paired, lambda *both: list(paired(*both))],
}
WRONG = {
    "check_first_order": [
        (lambda *p: first_order(*p[:5], 1), "one inner step is taken"),
        (forgot_to_zero, "still add up, from step to step"),
        (zeroed_inside, "still in the query's"),
        (lambda *p: forgot_to_zero(*p, zero_at_last=True), "the inner steps' gradients still"),
    ],
    "check_reptile_step": [(gradient_climbed, "sign is flipped"), (joint, "joint training")],
    "check_paired_gap": [
        (unpaired, "subtract wave by wave"),
        (lambda *both: paired(*both)[0], "a tuple of 2"),
        (lambda *both: paired(*(each.T for each in both)), "over the seeds"),
    ],
}
