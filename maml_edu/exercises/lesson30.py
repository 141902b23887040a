"""Checks of lesson 30: a split without a leak, when to stop, and an inner loop with momentum."""

from typing import Any

import torch

from maml_edu.exercises.common import few_shot, mse
from maml_edu.exercises.difference import kind
from maml_edu.exercises.judge import Comparison, Fault, Inspection
from maml_edu.exercises.solved import exercise
from maml_edu.foundation.types import LossFn, Theta

__all__ = ["check_momentum", "check_split_by_kind", "check_when_to_stop"]

PARTS = ("train", "validation", "test")


@exercise("30.1", "a split without a leak")
def check_split_by_kind() -> Inspection:
    """`attempt(names)` -> {"train": names, "validation": names, "test": names}.

    names: of classes, such as "shepherd/left": what stands before the slash is their kind.
    """

    def inspect(attempt, kinds: int, views: int) -> str:
        names = [f"kind{i}/view{j}" for j in range(views) for i in range(kinds)]
        made = attempt(list(names))
        where: dict[str, str] = {}
        for part, its in _parts(made).items():
            for name in its:
                if name not in names:
                    return f"{name!r} is in {part!r} and was not among the names"
                if name in where:
                    return f"{name!r} is in {where[name]!r} and in {part!r}: that is a leak"
                where[name] = part
        if missing := [name for name in names if name not in where]:
            return f"{missing[0]!r} is in no part; each class belongs into one"
        if empty := [part for part in PARTS if part not in where.values()]:
            return f"{empty[0]!r} is empty, so there is nothing to measure on"
        for name, part in where.items():
            first = f"{name.split('/')[0]}/view0"
            if where[first] != part:
                return (
                    f"{first!r} is in {where[first]!r} and {name!r} in {part!r}: the same kind, "
                    "seen from two sides, would be trained on and measured; deal out the kinds"
                )
        if list(where.values()).count("train") * 2 < len(names):
            return "less than half of the classes are left to train on"
        return ""

    praise = "right: what belongs together is dealt out together"
    return Inspection(inspect, [(9, 2), (12, 3), (20, 1)], praise)


def _parts(made: Any) -> dict[str, list[str]]:
    wanted = 'return a dict with the names of "train", "validation" and "test"'
    if not isinstance(made, dict):
        raise Fault(f"{wanted}; this returns {kind(made)}")
    if set(made) != set(PARTS):
        raise Fault(f"{wanted}; this one has {', '.join(map(str, made))}")
    if odd := [part for part, its in made.items() if not isinstance(its, list | tuple | set)]:
        raise Fault(f"{odd[0]!r} holds {kind(made[odd[0]])}; it must be a list of names")
    return {part: list(its) for part, its in made.items()}


@exercise("30.2", "when to stop")
def check_when_to_stop() -> Comparison:
    """`attempt(errors, patience)` -> (look to stop at, look whose theta to keep), counted from 0.

    errors: of the validation tasks at each look; lower is better. The training stops at the first
    look at which the best error is `patience` looks old; without one, at the last.
    """

    def stopping(errors, patience, *, keep="best", better=lambda a, b: a < b, reset=True):
        best, waited = 0, 0
        for look in range(1, len(errors)):
            waited += 1
            if better(errors[look], errors[best] if reset else errors[look - 1]):
                best, waited = look, 0
            if waited == patience:
                break
        else:
            look = len(errors) - 1
        return look, best if keep == "best" else look

    def late(errors, patience):
        return stopping(errors, patience + 1)

    def never(errors, patience):
        return len(errors) - 1, min(range(len(errors)), key=lambda i: errors[i])

    mistakes = {
        "it keeps the theta of the last look: keep that of the best": lambda e, p: stopping(
            e, p, keep="last"
        ),
        "it compares with the look before: compare with the best so far": lambda e, p: stopping(
            e, p, reset=False
        ),
        "an error as low as the best is no improvement": lambda e, p: stopping(
            e, p, better=lambda a, b: a <= b
        ),
        "here a high value counts as good, and these are errors": lambda e, p: stopping(
            e, p, better=lambda a, b: a > b
        ),
        "it stops one look too late: the best is patience looks old": late,
        "it looks at errors that come after the stop": never,
    }
    problems = [
        ([5.0, 4.0, 4.5, 4.4, 4.6, 3.0, 2.0], 2),
        ([3.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.5, 1.5, 0.5], 3),
        ([9.0, 7.0, 8.0, 6.0, 7.0, 5.0], 2),
        ([1.0, 2.0, 1.5, 1.2, 1.1, 0.9], 3),
        ([4.0, 3.0, 3.0, 3.0, 3.0, 1.0], 3),
    ]
    praise = "right: patience decides when, the best look decides what is kept"
    return Comparison(stopping, mistakes, problems, praise)


@exercise("30.3", "momentum in the inner loop")
def check_momentum() -> Comparison:
    """`attempt(loss_fn, theta, support, inner_lr, inner_steps, momentum)` -> the adapted theta.

    velocity <- momentum * velocity + gradient;  theta <- theta - inner_lr * velocity.
    """

    def adapted(
        loss_fn: LossFn, theta: Theta, data, inner_lr, inner_steps, momentum, *, fault=""
    ) -> Theta:
        velocity = {name: torch.zeros_like(p) for name, p in theta.items()}
        for _ in range(inner_steps):
            grads = torch.func.grad(loss_fn)(theta, *data)
            if fault == "cut":
                grads = {name: g.detach() for name, g in grads.items()}
            if fault == "reset":
                velocity = {name: torch.zeros_like(p) for name, p in theta.items()}
            damped = 1 - momentum if fault == "damped" else 1.0
            velocity = {n: momentum * v + damped * grads[n] for n, v in velocity.items()}
            used = velocity
            if fault == "nesterov":
                used = {n: grads[n] + momentum * v for n, v in velocity.items()}
            sign = -1 if fault == "sign" else 1
            theta = {n: p - sign * inner_lr * used[n] for n, p in theta.items()}
        return theta

    def with_fault(fault):
        return lambda *arguments: adapted(*arguments, fault=fault)

    def probe(function):
        """The meta-gradient through it, which a cut graph changes."""

        def meta_gradient(theta, support, query, *how):
            def outer(theta):
                made = function(mse, theta, support, *how)
                if not isinstance(made, dict) or set(made) != set(theta):
                    raise Fault(f"return theta, a dict of tensors; this returns {kind(made)}")
                return mse(made, *query)

            theta = {name: p.detach() for name, p in theta.items()}
            return torch.func.grad_and_value(outer)(theta)

        return meta_gradient

    mistakes = {
        "the velocity starts anew in each step: it must last": with_fault("reset"),
        "the gradient is damped by 1 - momentum; here it counts in full": with_fault("damped"),
        "this is Nesterov's momentum, which looks ahead": with_fault("nesterov"),
        "it climbs: subtract the velocity": with_fault("sign"),
        "the graph of the steps is cut (detach): the meta-gradient is first-order": with_fault(
            "cut"
        ),
    }
    problems = [(*problem, 0.1, 3, 0.9) for problem in few_shot(2)]
    praise = "right: and the meta-gradient passes through the velocity"
    return Comparison(adapted, mistakes, problems, praise, probe)
