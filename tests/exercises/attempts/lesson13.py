"""Attempts at lesson 13's exercises, as readers might write them."""

from __future__ import annotations

import torch
from torch.func import grad

from maml_edu.inner import adapt


def by_finite_differences(their_loss, loss_fn, theta, support, query, inner_lr):
    """Only values, never a candidate's gradient: the promise of lesson 13's first trap."""

    def true(theta, points=query):
        return loss_fn(
            adapt(loss_fn, theta, *support, inner_lr=inner_lr, inner_steps=1)[-1], *points
        )

    value = their_loss(theta, support, query)
    if abs(value - loss_fn(theta, *query)) < 1e-9:
        return "at theta"
    if abs(value - true(theta, support)) < 1e-9:
        return "support again"
    g = grad(their_loss)(theta, support, query)
    ahead, behind = ({n: p + s * g[n] for n, p in theta.items()} for s in (1e-5, -1e-5))
    kept = (true(ahead) - true(behind)) / 2e-5 / sum((d**2).sum() for d in g.values())
    return "sound" if abs(kept - 1) < 1e-4 else "first-order"


def by_package(loss_fn, theta, batch, inner_lr, meta_lr):
    losses = [
        loss_fn(adapt(loss_fn, theta, *s, inner_lr=inner_lr, inner_steps=1)[-1], *q)
        for s, q in batch
    ]
    torch.stack(losses).mean().backward()
    return {name: (p - meta_lr * p.grad).detach() for name, p in theta.items()}


def by_removal(answer, x):
    whole = answer(x)
    for i in range(len(x)):
        if not torch.allclose(answer(x[i : i + 1]), whole[i : i + 1], atol=1e-9):
            return torch.tensor(True)
    return torch.tensor(False)


def values_only(their_loss, loss_fn, theta, support, query, inner_lr):
    adapted = adapt(loss_fn, theta, *support, inner_lr=inner_lr, inner_steps=1)[-1]
    value = their_loss(theta, support, query)
    found = {
        "at theta": loss_fn(theta, *query),
        "support again": loss_fn(adapted, *support),
        "sound": loss_fn(adapted, *query),
    }
    return min(found, key=lambda name: abs(found[name] - value))


def all_sound(*arguments):
    return "sound"


def misspelt(*arguments):
    found = by_finite_differences(*arguments)
    return found.upper()


def as_found(loss_fn, theta, batch, inner_lr, meta_lr):
    """The lesson's broken loop, letter for letter."""
    total = 0.0
    for support, _query in batch:
        grads = torch.autograd.grad(loss_fn(theta, *support), list(theta.values()))
        pairs = zip(theta.items(), grads, strict=True)
        theta = {name: p - inner_lr * g for (name, p), g in pairs}
        total = total + loss_fn(theta, *support)
    grads = torch.autograd.grad(total, list(theta.values()))
    return {n: p - meta_lr * g for (n, p), g in zip(theta.items(), grads, strict=True)}


def mended_but(judge_on="query", create_graph=True, share=True):
    def step(loss_fn, theta, batch, inner_lr, meta_lr):
        total = 0.0
        for pair in batch:
            grads = torch.autograd.grad(
                loss_fn(theta, *pair[0]), list(theta.values()), create_graph=create_graph
            )
            adapted = {n: p - inner_lr * g for (n, p), g in zip(theta.items(), grads, strict=True)}
            total = total + loss_fn(adapted, *pair[judge_on == "query"])
        loss = total / len(batch) if share else total
        grads = torch.autograd.grad(loss, list(theta.values()))
        return {n: p - meta_lr * g for (n, p), g in zip(theta.items(), grads, strict=True)}

    return step


def shuffles(answer, x):
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return not torch.allclose(answer(x)[order], answer(x[order]))


def winners(answer, x):
    alone = [answer(one[None]).argmax().item() for one in x]
    return answer(x).argmax(1).tolist() != alone


def bit_for_bit(answer, x):
    return any(not torch.equal(answer(x)[i], answer(x[i : i + 1])[0]) for i in range(len(x)))


def halves(answer, x):
    return not torch.allclose(answer(x)[:4], answer(x[:4]))


def first_order_everywhere(*arguments):
    found = by_finite_differences(*arguments)
    return "first-order" if found == "sound" else found


def by_gradient_alone(their_loss, loss_fn, theta, support, query, inner_lr):
    def true(theta):
        end = adapt(loss_fn, theta, *support, inner_lr=inner_lr, inner_steps=1)[-1]
        return loss_fn(end, *query)

    theirs, ours = grad(their_loss)(theta, support, query), grad(true)(theta)
    same = all(torch.allclose(theirs[n], ours[n]) for n in theta)
    return "sound" if same else "first-order"


def swapped_names(*arguments):
    names = {"at theta": "support again", "support again": "at theta"}
    found = by_finite_differences(*arguments)
    return names.get(found, found)


def to_the_bit(their_loss, loss_fn, theta, support, query, inner_lr):
    def true(theta, support, query):
        end = adapt(loss_fn, theta, *support, inner_lr=inner_lr, inner_steps=1)[-1]
        return loss_fn(end, *query)

    value = their_loss(theta, support, query)
    if value == loss_fn(theta, *query):
        return "at theta"
    if value == true(theta, support, support):
        return "support again"
    theirs, ours = (grad(f)(theta, support, query) for f in (their_loss, true))
    return "sound" if all(torch.equal(theirs[n], ours[n]) for n in theta) else "first-order"


def theta_unseen(*arguments):
    found = by_finite_differences(*arguments)
    return "sound" if found == "at theta" else found


RIGHT = {
    "check_diagnosis": [by_finite_differences],
    "check_mended_step": [by_package],
    "check_looks_sideways": [by_removal, lambda answer, x: bool(by_removal(answer, x))],
}
WRONG = {
    "check_diagnosis": [
        (values_only, "compare the gradients"),
        (all_sound, "everything 'sound'"),
        (misspelt, "return one of 'sound'"),
        (first_order_everywhere, "sound loss for first-order"),
        (by_gradient_alone, "looks at the gradient alone"),
        (swapped_names, "mixes up"),
        (to_the_bit, "torch.allclose"),
        (theta_unseen, "'at theta' for 'sound'"),
        (lambda *_: True, "return one of 'sound'"),
    ],
    "check_mended_step": [
        (as_found, "theta is overwritten"),
        (mended_but(judge_on="support"), "on the support set"),
        (mended_but(create_graph=False), "create_graph"),
        (mended_but(share=False), "summed"),
        (mended_but(create_graph=False, share=False), "create_graph"),
        (lambda *a: dict(list(by_package(*a).items())[1:]), "a dict"),
    ],
    "check_looks_sideways": [
        (shuffles, "shuffling"),
        (winners, "winning labels"),
        (bit_for_bit, "rounded"),
        (halves, "in parts"),
        (lambda answer, x: len(answer(x)) > 0, "yes to everything"),
        (lambda answer, x: False, "no to everything"),
        (lambda answer, x: not by_removal(answer, x), "wrong way round"),
        (lambda answer, x: answer(x), "return True or False"),
    ],
}
