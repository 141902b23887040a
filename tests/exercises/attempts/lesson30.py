"""Attempts at lesson 30's exercises, as readers might write them."""

from __future__ import annotations

import torch


def by_kind(names):
    kinds = sorted({name.split("/")[0] for name in names})
    cuts = int(0.6 * len(kinds)), int(0.8 * len(kinds))
    parts = {"train": kinds[: cuts[0]], "validation": kinds[cuts[0] : cuts[1]]}
    parts["test"] = kinds[cuts[1] :]
    return {part: [n for n in names if n.split("/")[0] in its] for part, its in parts.items()}


def every_fifth(names):
    kinds = list(dict.fromkeys(name.partition("/")[0] for name in names))
    part = {k: {3: "validation", 4: "test"}.get(i % 5, "train") for i, k in enumerate(kinds)}
    return {
        p: [n for n in names if part[n.partition("/")[0]] == p]
        for p in ("train", "validation", "test")
    }


def by_name(names):
    names = sorted(names)
    a, b = int(0.6 * len(names)), int(0.8 * len(names))
    return {"train": names[:a], "validation": names[a:b], "test": names[b:]}


def twice(names):
    return {"train": names, "validation": names[:3], "test": names[3:]}


def some_left(names):
    made = by_kind(names)
    return {**made, "train": made["train"][1:]}


def no_validation(names):
    made = by_kind(names)
    return {"train": made["train"] + made["validation"], "validation": [], "test": made["test"]}


def hardly_any(names):
    made = by_kind(names)
    return {"train": made["validation"], "validation": made["train"], "test": made["test"]}


def patient(errors, patience):
    best = 0
    for look, error in enumerate(errors):
        if error < errors[best]:
            best = look
        if look - best == patience:
            return look, best
    return look, best


def keeps_the_last(errors, patience):
    look, _ = patient(errors, patience)
    return look, look


def with_the_one_before(errors, patience):
    best, waited = 0, 0
    for look in range(1, len(errors)):
        waited += 1
        if errors[look] < errors[look - 1]:
            best, waited = look, 0
        if waited == patience:
            return look, best
    return len(errors) - 1, best


def to_the_end(errors, patience):
    return len(errors) - 1, errors.index(min(errors))


def one_late(errors, patience):
    return patient(errors, patience + 1)


def momentum(loss_fn, theta, support, inner_lr, inner_steps, momentum, detach=False, reset=False):
    velocity = dict.fromkeys(theta, 0.0)
    for _ in range(inner_steps):
        grads = torch.func.grad(loss_fn)(theta, *support)
        for name, g in grads.items():
            before = 0.0 if reset else velocity[name]
            velocity[name] = momentum * before + (g.detach() if detach else g)
        theta = {name: p - inner_lr * velocity[name] for name, p in theta.items()}
    return theta


RIGHT = {
    "check_split_by_kind": [by_kind, every_fifth],
    "check_when_to_stop": [patient],
    "check_momentum": [momentum],
}
WRONG = {
    "check_split_by_kind": [
        (by_name, "the same kind"),
        (twice, "that is a leak"),
        (some_left, "is in no part"),
        (no_validation, "nothing to measure on"),
        (hardly_any, "less than half"),
        (lambda names: names, "return a dict"),
    ],
    "check_when_to_stop": [
        (keeps_the_last, "keep that of the best"),
        (with_the_one_before, "compare with the best so far"),
        (to_the_end, "after the stop"),
        (one_late, "one look too late"),
    ],
    "check_momentum": [
        (lambda *a: momentum(*a, reset=True), "starts anew in each step"),
        (lambda *a: momentum(*a, detach=True), "first-order"),
        (lambda loss, theta, *rest: theta["in.weight"], "dict of tensors"),
    ],
}
