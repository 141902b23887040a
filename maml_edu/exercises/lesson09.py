"""Checks of lesson 09: diagnose a task loss, mend an outer loop, find what looks sideways."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn.functional import mse_loss

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.foundation.types import Theta
from maml_edu.models import mlp

__all__ = ["check_diagnosis", "check_looks_sideways", "check_mended_step"]

NET = mlp(2, 5, 1)
Pair = tuple[Tensor, Tensor]


def _loss_fn(theta: Theta, x: Tensor, y: Tensor) -> Tensor:
    return mse_loss(NET(theta, x), y)


def _draw(seed: int, n_tasks: int) -> tuple[Theta, list[tuple[Pair, Pair]]]:
    """theta and tasks, each a pair (support, query), in float64."""
    generator = torch.Generator().manual_seed(seed)
    theta = NET.init(generator=generator, dtype=torch.float64)

    def some(n: int) -> Pair:
        x = torch.randn(n, 2, generator=generator, dtype=torch.float64)
        return x, 2 * torch.randn(n, 1, generator=generator, dtype=torch.float64)

    return theta, [(some(4), some(6)) for _ in range(n_tasks)]


# The diagnosis -----------------------------------------------------------------------------------


def _task_loss(loss_fn: Callable, inner_lr: float, name: str, factor: float = 1.0) -> Callable:
    """The task loss of one of the four kinds. `factor` changes nothing but how it is rounded."""

    def task_loss(theta: Theta, support: Pair, query: Pair) -> Tensor:
        if name == "at theta":
            return loss_fn(theta, *query)
        grads = grad(lambda t: factor * loss_fn(t, *support))(theta)
        if name == "first-order":
            grads = {n: g.detach() for n, g in grads.items()}
        adapted = {n: p - inner_lr / factor * grads[n] for n, p in theta.items()}
        return loss_fn(adapted, *(support if name == "support again" else query))

    return task_loss


def _diagnose_with(
    *, by_value: bool = True, by_gradient: bool = True, exact: bool = False, swapped: bool = False
) -> Callable:
    """The diagnosis, right unless a mistake is asked for."""

    def same(a: Tensor, b: Tensor) -> bool:
        return torch.equal(a, b) if exact else torch.allclose(a, b)

    def diagnose(their_loss, loss_fn, theta, support, query, inner_lr) -> str:
        kinds = {
            name: _task_loss(loss_fn, inner_lr, name)
            for name in ("at theta", "support again", "sound", "first-order")
        }
        value = their_loss(theta, support, query)
        if by_value:
            for name in ("at theta", "support again"):
                if same(value, kinds[name](theta, support, query)):
                    return {"at theta": "support again"}.get(name, "at theta") if swapped else name
        if not by_gradient:
            return "sound"
        theirs, true = (grad(f)(theta, support, query) for f in (their_loss, kinds["sound"]))
        return "sound" if all(same(theirs[n], true[n]) for n in theta) else "first-order"

    return diagnose


DIAGNOSIS_MISTAKES = {
    "it calls everything sound": _diagnose_with(by_value=False, by_gradient=False),
    "it takes the first-order loss for sound: their values are the same; compare the gradients, "
    "grad(their_loss)(theta, support, query) with the true one": _diagnose_with(by_gradient=False),
    "it compares with ==, and so blames what is merely rounded otherwise: torch.allclose": (
        _diagnose_with(exact=True)
    ),
    'it mixes up "at theta" (no adapted parameters) and "support again" (adapted, but judged on '
    "the points that it was adapted to)": _diagnose_with(swapped=True),
    "it looks at the gradient alone: that is wrong in three of the kinds, and only the value "
    "tells these apart": _diagnose_with(by_value=False),
}


def check_diagnosis(attempt: Callable) -> Verdict:
    """`attempt(their_loss, loss_fn, theta, support, query, inner_lr)` -> which kind of task loss
    `their_loss(theta, support, query)` is: "sound", "at theta", "support again", "first-order"."""
    problems = []
    for seed, factor in enumerate((1.0, 3.0, 0.7)):
        theta, [(support, query)] = _draw(seed, 1)
        boxes = [
            _task_loss(_loss_fn, 0.1, name, factor)
            for name in ("sound", "first-order", "at theta", "support again")
        ]
        problems.append((boxes, _loss_fn, theta, support, query, 0.1))
    praise = "right: three kinds differ in their value, and the gradient tells the fourth"
    mistakes = {message: _of_all(wrong) for message, wrong in DIAGNOSIS_MISTAKES.items()}
    return judge(_of_all(attempt), _of_all(_diagnose_with()), mistakes, problems, praise=praise)


def _of_all(attempt: Callable) -> Callable:
    """What is said of each of several boxes, by their number, so that a habit shows."""

    def said_of(boxes: list[Callable], *arguments: object) -> object:
        said = [_plain(attempt(box, *arguments)) for box in boxes]
        unwritten = [one for one in said if one is None or one is ...]
        return unwritten[0] if unwritten else dict(enumerate(said))

    return said_of


def _plain(said: object) -> object:
    """A bool as a word, for the verdict; a tensor of one bool counts as a bool."""
    one = isinstance(said, Tensor) and said.dtype == torch.bool and said.numel() == 1
    return str(bool(said)) if one or isinstance(said, bool) else said


# The outer loop ----------------------------------------------------------------------------------


def _step_with(
    *, overwrite: bool = False, judge_on: str = "query", cut: bool = False, summed: bool = False,
    adapts: bool = True, sign: float = -1.0, moves: str = "theta",
) -> Callable:  # fmt: skip
    """One outer step, right unless a mistake is asked for."""

    def step(loss_fn, theta, batch, inner_lr: float, meta_lr: float) -> Theta:
        state, total = theta, 0.0
        for support, query in batch:
            start = state if overwrite else theta
            grads = torch.autograd.grad(
                loss_fn(start, *support), list(start.values()), create_graph=not cut
            )
            moved = zip(start.items(), grads, strict=True)
            state = {n: p - inner_lr * adapts * g for (n, p), g in moved}
            total = total + loss_fn(state, *(support if judge_on == "support" else query))
        loss = total if summed else total / len(batch)
        by = state if overwrite else theta
        grads = torch.autograd.grad(loss, list(by.values()))
        from_ = state if moves == "adapted" or overwrite else theta
        pairs = zip(from_.items(), grads, strict=True)
        return {n: (p + sign * meta_lr * g).detach() for (n, p), g in pairs}

    return step


STEP_MISTAKES = {
    "theta is overwritten by the adapted parameters: the second task starts from the first one's, "
    "and the last one's are moved. Give them another name": _step_with(overwrite=True),
    "the outer loss is taken on the support set, to which each task was just adapted": _step_with(
        judge_on="support"
    ),
    "the graph of the inner step is cut (no create_graph): this is the first-order step": (
        _step_with(cut=True)
    ),
    "the losses are summed over the tasks; the mean was asked for": _step_with(summed=True),
    "the gradient is right, but the step starts from the last task's adapted parameters, not from "
    "theta": _step_with(moves="adapted"),
    "there are no adapted parameters in the loss: this is joint training": _step_with(adapts=False),
    "the sign is flipped: the step climbs the loss": _step_with(sign=+1.0),
    "little is mended yet: begin with the name that is assigned twice": _step_with(
        overwrite=True, judge_on="support", cut=True, summed=True
    ),
    "two are left: the graph is cut, and the losses are summed": _step_with(cut=True, summed=True),
    "two are left: theta is overwritten, and the losses are summed": _step_with(
        overwrite=True, summed=True
    ),
    "two are left: the support set judges, and the losses are summed": _step_with(
        judge_on="support", summed=True
    ),
    "two are left: the support set judges, and the graph is cut": _step_with(
        judge_on="support", cut=True
    ),
}


def check_mended_step(attempt: Callable) -> Verdict:
    """`attempt(loss_fn, theta, batch, inner_lr, meta_lr)` -> the new theta after a step of plain
    gradient descent on the mean query loss after adapting; batch: a list of (support, query)."""
    problems = [(*_draw(seed, n), 0.1, 0.2) for seed, n in enumerate((3, 2, 4))]
    mistakes = {message: partial(_posed, wrong) for message, wrong in STEP_MISTAKES.items()}
    praise = "right: every task starts from theta, is judged by its query set, and moves theta once"
    return judge(
        partial(_posed, attempt), partial(_posed, _step_with()), mistakes, problems, praise=praise
    )


def _posed(step: Callable, theta: Theta, batch: list, inner_lr: float, meta_lr: float) -> object:
    """The step from a theta whose tensors are leaves that require gradients."""
    leaves = {name: p.detach().clone().requires_grad_() for name, p in theta.items()}
    return step(_loss_fn, leaves, batch, inner_lr, meta_lr)


# Looking sideways --------------------------------------------------------------------------------


def _normed(x: Tensor, batch: Tensor) -> Tensor:
    return (x - batch.mean(0)) / (batch.var(0, correction=0) + 1e-3).sqrt()


def _boxes(support: Tensor, weight: Tensor) -> list[tuple[Callable, bool]]:
    """Functions from queries to logits, and whether each looks at the other queries."""
    far = torch.tensor([50.0, 0.0, -50.0], dtype=weight.dtype)  # one label always wins

    def rounded_otherwise(x: Tensor) -> Tensor:  # as a matrix product by another kernel is
        return x @ weight if len(x) == 1 else (0.1 * x) @ (10 * weight)

    def one_by_one(x: Tensor) -> Tensor:
        return vmap(lambda q: _normed(q, torch.cat([support, q[None]])))(x) @ weight

    return [
        (lambda x: _normed(x, x) @ weight, True),
        (lambda x: x @ weight, False),
        (rounded_otherwise, False),
        (lambda x: _normed(x, support) @ weight, False),
        (one_by_one, False),
        (lambda x: _normed(x, x) @ weight + far, True),
        (lambda x: torch.cat([_normed(b, b) @ weight for b in x.split(4)]), True),
        (lambda x: _normed(x, torch.cat([support, x])) @ weight, True),
    ]


def _alone(answer: Callable, x: Tensor) -> Tensor:
    return torch.cat([answer(one[None]) for one in x])


def _in_halves(answer: Callable, x: Tensor) -> Tensor:
    return torch.cat([answer(half) for half in x.chunk(2)])


def _right(answer: Callable, x: Tensor) -> bool:
    return not torch.allclose(answer(x), _alone(answer, x))


SHUFFLED = [3, 6, 0, 5, 1, 7, 4, 2]
SIDEWAYS_MISTAKES = {
    "it says no to everything (do you reverse the queries? Batch-norm takes the same mean over "
    "them in any order)": lambda answer, x: False,
    "it says yes to everything": lambda answer, x: True,
    "shuffling the queries shows nothing: batch-norm takes the same mean over them in any order. "
    "Change the company, not its order": lambda answer, x: (
        not torch.allclose(answer(x[SHUFFLED]), answer(x)[SHUFFLED])
    ),
    "it compares the labels that win, and misses logits that moved without changing the winner": (
        lambda answer, x: not torch.equal(answer(x).argmax(1), _alone(answer, x).argmax(1))
    ),
    "it compares with ==, and blames what is merely rounded otherwise: torch.allclose": (
        lambda answer, x: not torch.equal(answer(x), _alone(answer, x))
    ),
    "it splits the queries into two halves, and misses a box that does just that itself: ask each "
    "query alone": lambda answer, x: not torch.allclose(answer(x), _in_halves(answer, x)),
    "it is the wrong way round: True is for a box that looks at the other queries": (
        lambda answer, x: not _right(answer, x)
    ),
}


def check_looks_sideways(attempt: Callable) -> Verdict:
    """`attempt(answer, x)` -> whether the logits that `answer` gives to a query, (queries,
    features) -> (queries, way), depend on the queries beside it."""
    problems = []
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        draw = partial(torch.randn, generator=generator, dtype=torch.float64)
        x, boxes = draw(8, 6) + 1, _boxes(draw(5, 6), draw(6, 3))
        assert all(_right(box, x) == truth for box, truth in boxes)
        problems.append(([box for box, _ in boxes], x))
    praise = "right: a query asked alone must get the answer that it gets in company"
    mistakes = {message: _of_all(wrong) for message, wrong in SIDEWAYS_MISTAKES.items()}
    return judge(_of_all(attempt), _of_all(_right), mistakes, problems, praise=praise)
