"""Attempts at lesson 06's exercises, as readers might write them."""

from __future__ import annotations

import torch
from torch.func import grad


def by_autograd(loss_fn, theta, rates, support, query):
    start = {n: p.detach() for n, p in theta.items()}

    def after(rates):
        slope = grad(loss_fn)(start, *support)
        return loss_fn({n: p - rates[n] * slope[n] for n, p in start.items()}, *query)

    return grad(after)(rates)


def by_hand(loss_fn, theta, rates, support, query):
    start = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
    slope = torch.autograd.grad(loss_fn(start, *support), list(start.values()))
    end = {n: (p - rates[n] * s).detach() for (n, p), s in zip(start.items(), slope, strict=True)}
    end = {n: p.requires_grad_() for n, p in end.items()}
    at_end = torch.autograd.grad(loss_fn(end, *query), list(end.values()))
    return {n: -s * g for n, s, g in zip(start, slope, at_end, strict=True)}


def weights(done, inner_steps):
    v = torch.full((inner_steps,), 1 / inner_steps, dtype=torch.float64)
    taken = v[:-1] * min(done, 0.97)
    v[:-1] -= taken
    v[-1] += taken.sum()
    return v


def chosen(rates, validation, test):
    means = [each.mean().item() for each in validation]
    best = min((mean, i) for i, mean in enumerate(means) if mean == mean)[1]
    return rates[best], test[best].mean()


RIGHT = {
    "check_rate_gradient": [by_autograd, by_hand],
    "check_step_weights": [weights, lambda done, k: weights(done, k).tolist()],
    "check_chosen_rate": [chosen, lambda *p: [float(one) for one in chosen(*p)]],
}
WRONG = {
    "check_rate_gradient": [
        (lambda *p: {n: -g for n, g in by_hand(*p).items()}, "sign is flipped"),
        (lambda f, t, r, s, q: by_hand(f, t, r, s, s), "support set is used for both"),
    ],
    "check_step_weights": [
        (lambda done, k: weights(done, k)[:-1], "shape"),
        (lambda done, k: 2 * weights(done, k), "numbers differ"),
    ],
    "check_chosen_rate": [
        (lambda r, v, t: chosen(r, t, t), "chosen on the test waves"),
        (lambda r, v, t: chosen(r, v, v), "used these waves up"),
        (lambda r, v, t: chosen(r, v.nanmean(1), t.nanmean(1)), "left out"),
        (lambda r, v, t: (r[int(v.mean((1, 2)).argmin())], 0.5), "differ"),
    ],
}
