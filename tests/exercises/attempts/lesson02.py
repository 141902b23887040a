"""Attempts at lesson 02's exercises, as readers might write them."""

from __future__ import annotations

import torch
from torch.func import grad


def step(theta, grads, inner_lr):
    return {name: p - inner_lr * g for (name, p), g in zip(theta.items(), grads, strict=True)}


def hand_grads(loss, theta, create_graph=True):
    return torch.autograd.grad(loss, list(theta.values()), create_graph=create_graph)


def inner_step(model, theta, x, y, inner_lr, reduce=torch.mean, create_graph=True):
    loss = reduce((model(theta, x) - y) ** 2)
    return step(theta, hand_grads(loss, theta, create_graph), inner_lr)


def flipped(model, theta, x, y, inner_lr):
    return inner_step(model, theta, x, y, -inner_lr)


def first_order(*problem):
    return inner_step(*problem, create_graph=False)


def detached(*problem):
    return {name: p.detach() for name, p in inner_step(*problem).items()}


def summed(*problem):
    return inner_step(*problem, reduce=torch.sum)


def no_rate(model, theta, x, y, inner_lr):
    return inner_step(model, theta, x, y, 1.0)


def in_place(model, theta, x, y, inner_lr):
    grads = hand_grads(((model(theta, x) - y) ** 2).mean(), theta)
    with torch.no_grad():
        for p, g in zip(theta.values(), grads, strict=True):
            p -= inner_lr * g
    return theta


def in_place_through_data(model, theta, x, y, inner_lr):
    for p, g in zip(
        theta.values(), hand_grads(((model(theta, x) - y) ** 2).mean(), theta), strict=True
    ):
        p.data -= inner_lr * g
    return theta


def inner_loop(loss_fn, theta, x, y, inner_lr, inner_steps, create_graph=True):
    states = [theta]
    for _ in range(inner_steps):
        grads = hand_grads(loss_fn(states[-1], x, y), states[-1], create_graph)
        states.append(step(states[-1], grads, inner_lr))
    return states


def stale(loss_fn, theta, x, y, inner_lr, inner_steps):
    states = [theta]
    for _ in range(inner_steps):
        grads = hand_grads(loss_fn(theta, x, y), theta)
        states.append(step(states[-1], grads, inner_lr))
    return states


def one_short(loss_fn, theta, x, y, inner_lr, inner_steps):
    return inner_loop(loss_fn, theta, x, y, inner_lr, inner_steps - 1)


def one_long(loss_fn, theta, x, y, inner_lr, inner_steps):
    return inner_loop(loss_fn, theta, x, y, inner_lr, inner_steps + 1)


def rates_step(loss_fn, theta, x, y, rates, keep=lambda g: g):
    grads = grad(loss_fn)(theta, x, y)
    return {name: p - rates.get(name, 0.0) * keep(grads[name]) for name, p in theta.items()}


def only_named(loss_fn, theta, x, y, rates):
    moved = rates_step(loss_fn, theta, x, y, rates)
    return {name: moved[name] for name in rates}


def one_for_all(loss_fn, theta, x, y, rates):
    same = dict.fromkeys(theta, next(iter(rates.values())))
    return rates_step(loss_fn, theta, x, y, same)


def by_position(loss_fn, theta, x, y, rates):
    shifted = dict(zip(theta, rates.values(), strict=False))
    return rates_step(loss_fn, theta, x, y, shifted)


def with_func(model, theta, x, y, inner_lr):
    grads = grad(lambda t: torch.nn.functional.mse_loss(model(t, x), y))(theta)
    return {name: theta[name] - inner_lr * grads[name] for name in sorted(theta)}


def without_data(model, theta, x, y, inner_lr):
    grads = hand_grads(((model(theta, x) - y) ** 2).mean(), theta)
    for p, g in zip(theta.values(), grads, strict=True):
        p -= inner_lr * g
    return theta


def numpy_step(*problem):
    return {name: p.detach().numpy() for name, p in inner_step(*problem).items()}


RIGHT = {
    "check_inner_step": [inner_step, with_func],
    "check_inner_loop": [inner_loop],
    "check_rates_step": [rates_step],
}
WRONG = {
    "check_inner_step": [
        (flipped, "sign is flipped"),
        (first_order, "first-order"),
        (detached, "detached"),
        (summed, "summed over the samples"),
        (no_rate, "inner_lr is left out"),
        (in_place, "in place"),
        (in_place_through_data, "in place"),
        (without_data, "in place"),
        (lambda model, theta, x, y, inner_lr: list(theta.values()), "a dict with 'in.weight'"),
        (numpy_step, "return tensors"),
    ],
    "check_inner_loop": [
        (stale, "stale parameters"),
        (lambda *problem: inner_loop(*problem, create_graph=False), "first-order"),
        (lambda *problem: inner_loop(*problem)[1:], "theta itself, is missing"),
        (lambda *problem: inner_loop(*problem)[-1:], "only the last state"),
        (lambda *problem: inner_loop(*problem)[-1], "a list of 3"),
        (one_short, "one step too few"),
        (one_long, "one step too many"),
    ],
    "check_rates_step": [
        (only_named, "missing from the result"),
        (one_for_all, "one rate is used for all"),
        (by_position, "matched by position"),
        (lambda *problem: rates_step(*problem, keep=torch.detach), "first-order"),
    ],
}
