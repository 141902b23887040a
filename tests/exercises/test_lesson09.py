"""Lesson 09's checks pass what is right, and tell each usual mistake for what it is."""

from __future__ import annotations

import pytest
import torch
from torch.func import grad

from maml_edu import exercises
from maml_edu.exercises import lesson09
from maml_edu.inner import adapt

# The right ones, written otherwise than in the module


def by_finite_differences(their_loss, loss_fn, theta, support, query, inner_lr):
    """Only values, never a candidate's gradient: the promise of lesson 09's first trap."""

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


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (exercises.check_diagnosis, by_finite_differences),
        (exercises.check_mended_step, by_package),
        (exercises.check_looks_sideways, by_removal),
    ],
)
def test_the_right_one_passes(check, attempt):
    assert check(attempt), check(attempt)


# The usual mistakes, written as a learner would


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


@pytest.mark.parametrize(
    ("check", "attempt", "words"),
    [
        (exercises.check_diagnosis, values_only, "compare the gradients"),
        (exercises.check_diagnosis, all_sound, "everything sound"),
        (exercises.check_diagnosis, misspelt, "where 'sound' is right"),
        (exercises.check_mended_step, as_found, "assigned twice"),
        (exercises.check_mended_step, mended_but(judge_on="support"), "on the support set"),
        (exercises.check_mended_step, mended_but(create_graph=False), "create_graph"),
        (exercises.check_mended_step, mended_but(share=False), "summed"),
        (exercises.check_mended_step, lambda *a: dict(list(by_package(*a).items())[1:]), "a dict"),
        (exercises.check_looks_sideways, shuffles, "shuffling"),
        (exercises.check_looks_sideways, winners, "labels that win"),
        (exercises.check_looks_sideways, bit_for_bit, "rounded"),
        (exercises.check_looks_sideways, halves, "halves"),
        (exercises.check_looks_sideways, lambda answer, x: len(answer(x)) > 0, "yes to everything"),
    ],
)
def test_a_mistake_is_named(check, attempt, words):
    verdict = check(attempt)
    assert verdict.state == "wrong"
    assert words in verdict.message


@pytest.mark.parametrize(
    ("check", "mistakes"),
    [
        (exercises.check_diagnosis, lesson09.DIAGNOSIS_MISTAKES),
        (exercises.check_mended_step, lesson09.STEP_MISTAKES),
        (exercises.check_looks_sideways, lesson09.SIDEWAYS_MISTAKES),
    ],
)
def test_the_problems_tell_all_mistakes_apart(check, mistakes):
    assert len(mistakes) >= 3
    for message, mistaken in mistakes.items():
        assert check(mistaken).message == message
