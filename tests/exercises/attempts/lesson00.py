"""Attempts at lesson 00's exercises, as readers might write them."""

from __future__ import annotations


def falls_off_the_end(losses):
    for k, loss in enumerate(losses):
        if loss < losses[0] / 2:
            return k


def counts_from_one(losses):
    return 1 + by_list(losses)


def returns_the_loss(losses):
    return next((loss for loss in losses if loss < losses[0] / 2), -1.0)


def of_the_largest(losses):
    return next((k for k, loss in enumerate(losses) if loss < max(losses) / 2), len(losses))


def any_lower(losses):
    return next((k for k, loss in enumerate(losses) if loss < losses[0]), len(losses))


def by_list(losses):
    lower = [step for step, loss in enumerate(losses) if 2 * loss < losses[0]]
    return lower[0] if lower else len(losses)


RIGHT = {
    "check_first_below_half": [by_list],
    "check_know_nothing": [lambda s, q: (q - s.mean()).pow(2).mean()],
}
WRONG = {
    "check_first_below_half": [
        (falls_off_the_end, "return len(losses)"),
        (counts_from_one, "state 0 is before any step"),
        (returns_the_loss, "returns the loss"),
        (of_the_largest, "largest loss"),
        (any_lower, "lowers the loss at all"),
        (lambda losses: losses[1] < losses[0] / 2, "True or False; numbers"),
    ],
    "check_know_nothing": [
        (lambda s, q: (q - q.mean()).pow(2).mean(), "seen the answers"),
        (lambda s, q: (s - s.mean()).pow(2).mean(), "query set"),
        (lambda s, q: (q - s.median()).pow(2).mean(), "median"),
        (lambda s, q: q.pow(2).mean(), "guesses 0"),
        (lambda s, q: (q - s.mean()).pow(2).sum(), "summed"),
        (lambda s, q: (q - s.mean()).pow(2).mean().sqrt(), "root"),
        (lambda s, q: (q - s.mean()).abs().mean(), "absolute"),
    ],
}
