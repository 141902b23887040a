"""Checks of lesson 09: diagnose a task loss, mend an outer loop, find what looks sideways."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.exercises.common import Draws, adapted, few_shot, mse, one_theta, with_faults
from maml_edu.exercises.difference import kind, numbers, shown
from maml_edu.exercises.judge import Comparison, Fault, Inspection
from maml_edu.exercises.solved import exercise
from maml_edu.foundation.types import Theta

__all__ = ["check_diagnosis", "check_looks_sideways", "check_mended_step"]

KINDS = ("sound", "first-order", "at theta", "support again")
BY_VALUE = "it looks at the gradient alone; three of the kinds differ in their value"
MIXED = 'it mixes up "at theta" (not adapted) and "support again" (adapted, judged on the support)'
# (what a loss is, what it is called) -> what to say.
CONFUSED = {
    ("first-order", "sound"): "it takes the first-order loss for sound: the values are the same; "
    "compare the gradients, grad(their_loss)(theta, support, query) with the true one",
    ("sound", "first-order"): "it takes the sound loss for first-order: compare all of its "
    "gradient with that of your own loss *through* the inner step, by torch.allclose",
    ("at theta", "first-order"): BY_VALUE,
    ("support again", "first-order"): BY_VALUE,
    ("at theta", "support again"): MIXED,
    ("support again", "at theta"): MIXED,
}


@exercise("13.1", "the diagnosis")
def check_diagnosis() -> Inspection:
    """`attempt(their_loss, loss_fn, theta, support, query, inner_lr)` -> which kind of task loss
    `their_loss(theta, support, query)` is: "sound", "at theta", "support again", "first-order"."""

    def inspect(attempt, problems):
        said = [
            (name, attempt(_task_loss(name, factor), mse, *task, 0.1), factor != 1)
            for factor, *task in problems
            for name in KINDS
        ]
        return _fault_of_diagnoses(said)

    problems = []
    for factor, (theta, *sets) in zip((1.0, 3.0, 0.7), few_shot(3), strict=True):
        problems.append((factor, {name: p.detach() for name, p in theta.items()}, *sets))
    return Inspection(inspect, [(problems,)], "right: the value tells three, the gradient a fourth")


def _task_loss(name: str, factor: float) -> Callable:
    """The task loss of one of the four kinds. `factor` changes nothing but how it is rounded."""

    def task_loss(theta: Theta, support: tuple, query: tuple) -> Tensor:
        if name == "at theta":
            return mse(theta, *query)

        def scaled(theta, x, y):
            return factor * mse(theta, x, y)

        cut = name == "first-order"
        end = adapted(scaled, theta, support, 0.1 / factor, first_order=cut)
        return mse(end, *(support if name == "support again" else query))

    return task_loss


def _fault_of_diagnoses(said: list[tuple[str, object, bool]]) -> str:
    """said: of each loss, what it is, what it is called, and whether it is rounded otherwise."""
    for _, called, _ in said:
        if not isinstance(called, str) or called not in KINDS:
            return f"return one of {', '.join(map(shown, KINDS))}; this returns {shown(called)}"
    wrong = [one for one in said if one[0] != one[1]]
    if not wrong:
        return ""
    truth, called, _ = wrong[0]
    if len({called for _, called, _ in said}) == 1:
        return f"it calls everything {called!r}"
    if all(rounded for *_, rounded in wrong):
        return "it compares with ==, and blames what is only rounded otherwise: torch.allclose"
    otherwise = (
        f"it takes a loss that is {truth!r} for {called!r}: compute both values, and compare"
    )
    return CONFUSED.get((truth, called), otherwise)


LEFT = {
    "overwritten": "theta is overwritten by the adapted parameters; give them another name",
    "support": "the outer loss is taken on the support set, to which each task was just adapted",
    "cut": "the graph of the inner step is cut (no create_graph): this is the first-order step",
    "summed": "the losses are summed over the tasks; the mean was asked for",
}


@exercise("13.2", "mend the outer loop")
def check_mended_step() -> Comparison:
    """`attempt(loss_fn, theta, batch, inner_lr, meta_lr)` -> the new theta after a step of plain
    gradient descent on the mean query loss after adapting; batch: a list of (support, query)."""
    right = _step_with()

    def from_adapted(loss_fn, theta, batch, inner_lr, meta_lr):
        moved = right(loss_fn, theta, batch, inner_lr, meta_lr)
        end = adapted(loss_fn, theta, batch[-1][0], inner_lr)
        return {name: end[name] + moved[name] - p for name, p in theta.items()}

    mistakes = {
        **with_faults(LEFT, _step_with),
        "the step starts from the last task's adapted parameters, not from theta": from_adapted,
        "nothing is adapted: this is joint training": lambda *p: right(*p[:-2], 0.0, p[-1]),
        "the sign is flipped: the step climbs the loss": lambda *p: right(*p[:-1], -p[-1]),
    }
    problems = [(mse, *one_theta(few_shot(n)), 0.1, 0.2) for n in (3, 2, 4)]
    return Comparison(right, mistakes, problems, "right: theta moves once, for all", _from_leaves)


def _step_with(*left: str) -> Callable:
    """The lesson's outer step, with these of its four mistakes left in it."""

    def step(loss_fn, theta, batch, inner_lr: float, meta_lr: float) -> Theta:
        total = 0.0
        for support, query in batch:
            end = adapted(loss_fn, theta, support, inner_lr, first_order="cut" in left)
            total = total + loss_fn(end, *(support if "support" in left else query))
            if "overwritten" in left:
                theta = end
        loss = total if "summed" in left else total / len(batch)
        grads = torch.autograd.grad(loss, list(theta.values()))
        pairs = zip(theta.items(), grads, strict=True)
        return {name: (p - meta_lr * g).detach() for (name, p), g in pairs}

    return step


def _from_leaves(step: Callable) -> Callable:
    """A probe: the step from a theta whose tensors are leaves that require gradients."""

    def posed(loss_fn, theta, *rest):
        leaves = {name: p.detach().clone().requires_grad_() for name, p in theta.items()}
        return step(loss_fn, leaves, *rest)

    return posed


ALARM = (
    "it blames a box that looks at no other query: compare each query's logits with its own, by "
    "torch.allclose, for == blames what is only rounded otherwise"
)
SHUFFLED = "shuffling shows nothing: the mean over the queries stays; change them, not their order"
WINNERS = "it compares the winning labels, and misses logits that moved without changing the winner"
HALVES = "it asks in parts, and misses a box that splits the queries itself: ask each query alone"


@exercise("13.3", "does it look sideways?")
def check_looks_sideways() -> Inspection:
    """`attempt(answer, x)` -> whether the logits that `answer` gives to a query, (queries,
    features) -> (queries, way), depend on the queries beside it."""

    def inspect(attempt, support, weight, x):
        boxes = _boxes(support, weight)
        said = [_yes_or_no(attempt(box, x)) for box, *_ in boxes]
        wrong = [told for one, (_, true, told) in zip(said, boxes, strict=True) if one != true]
        if not any(said):
            return f"it says no to everything. If you reverse the queries: {SHUFFLED}"
        if all(said):
            return "it says yes to everything"
        if len(wrong) == len(said):
            return "it is the wrong way round: True is for a box that looks at the other queries"
        return wrong[0] if wrong else ""

    draws = Draws(0)
    problems = [(draws.normal(5, 6), draws.normal(6, 3), draws.normal(8, 6) + 1) for _ in range(2)]
    return Inspection(inspect, problems, "right: a query alone gets the answer it gets in company")


def _yes_or_no(said: object) -> bool:
    found = numbers(said)
    if found is None or found.dtype != torch.bool or found.numel() != 1:
        raise Fault(f"return True or False; this returns {kind(said)}")
    return bool(found)


def _boxes(support: Tensor, weight: Tensor) -> list[tuple[Callable, bool, str]]:
    """Functions from queries to logits, whether each looks at the other queries, and what to say
    of an attempt that is wrong about it."""
    far = torch.tensor([50.0, 0.0, -50.0], dtype=weight.dtype)  # one label always wins

    def normed(x: Tensor, batch: Tensor) -> Tensor:
        return (x - batch.mean(0)) / (batch.var(0, correction=0) + 1e-3).sqrt()

    def rounded_otherwise(x: Tensor) -> Tensor:  # as a matrix product by another kernel is
        return x @ weight if len(x) == 1 else (0.1 * x) @ (10 * weight)

    def one_by_one(x: Tensor) -> Tensor:
        return vmap(lambda q: normed(q, torch.cat([support, q[None]])))(x) @ weight

    return [
        (lambda x: normed(x, x) @ weight, True, SHUFFLED),
        (lambda x: x @ weight, False, ALARM),
        (rounded_otherwise, False, ALARM),
        (lambda x: normed(x, support) @ weight, False, ALARM),
        (one_by_one, False, ALARM),
        (lambda x: normed(x, x) @ weight + far, True, WINNERS),
        (lambda x: torch.cat([normed(b, b) @ weight for b in x.split(4)]), True, HALVES),
        (lambda x: normed(x, torch.cat([support, x])) @ weight, True, SHUFFLED),
    ]
