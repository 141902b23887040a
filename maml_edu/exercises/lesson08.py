"""Checks of lesson 08: a classifier's task loss, batch-norm by the support set, the interval."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import grad
from torch.nn.functional import cross_entropy

from maml_edu.exercises.judge import Verdict, judge
from maml_edu.foundation.types import Theta
from maml_edu.models import mlp

__all__ = ["check_accuracy_interval", "check_classifier_loss", "check_support_norm"]


# The task loss -----------------------------------------------------------------------------------


def _loss_with(
    *, adapt_on: str | None = "support", judge_on: str = "query", labels: str | None = None,
    outputs: Callable = lambda z: z, step: float = -1.0, keep: Callable = lambda g: g,
    loss: Callable = cross_entropy,
) -> Callable:  # fmt: skip
    """The task loss after one inner step, right unless a mistake is asked for."""

    def task_loss(net, theta: Theta, support: tuple, query: tuple, inner_lr: float) -> Tensor:
        sets = {"support": support, "query": query}

        def loss_at(theta: Theta, x: Tensor, y: Tensor) -> Tensor:
            return loss(outputs(net(theta, x)), y)

        adapted = theta
        if adapt_on is not None:
            grads = grad(loss_at)(theta, *sets[adapt_on])
            adapted = {n: p + step * inner_lr * keep(grads[n]) for n, p in theta.items()}
        x, y = sets[judge_on]
        return loss_at(adapted, x, sets[labels][1] if labels else y)

    return task_loss


NO_GRAPH = "it has no graph, so that nothing could be trained with it: something detached it"


def _summed(outputs: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(outputs, y, reduction="sum")


LOSS_MISTAKES = {
    "a softmax stands before cross_entropy, which takes logits and has its own: it is applied "
    "twice, and no loss comes near 0": _loss_with(outputs=lambda z: z.softmax(-1)),
    "the query's outputs are compared with the support set's labels": _loss_with(labels="support"),
    "the loss is taken at theta: there are no adapted parameters in it, so this is pre-training": (
        _loss_with(adapt_on=None)
    ),
    "it adapts to the query set, which is there to judge what the support set taught": _loss_with(
        adapt_on="query"
    ),
    "the support set, which was just fitted, judges as well": _loss_with(judge_on="support"),
    "support and query are swapped": _loss_with(adapt_on="query", judge_on="support"),
    "the sign is flipped: the inner step climbs the support loss": _loss_with(step=+1.0),
    "this is the first-order loss: the graph of the inner step was cut": _loss_with(
        keep=torch.detach
    ),
    "cross_entropy is summed over the samples where the mean (its default) was asked for": (
        _loss_with(loss=_summed)
    ),
}  # fmt: skip


def check_classifier_loss(attempt: Callable) -> Verdict:
    """`attempt(net, theta, support, query, inner_lr)` -> MAML's loss of one task of classification
    after one inner step, a scalar; judged by its value and its gradient with respect to theta."""
    net, problems = mlp(4, 6, 3), []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        theta = net.init(generator=generator, dtype=torch.float64)
        draw = [
            (torch.randn(9, 4, generator=generator, dtype=torch.float64),
             torch.randint(3, (9,), generator=generator)) for _ in range(2)
        ]  # fmt: skip
        problems.append((theta, *draw, 0.4))
    posed = {message: _valued(net, loss) for message, loss in LOSS_MISTAKES.items()}
    posed[NO_GRAPH] = lambda *problem: (_valued(net, _loss_with())(*problem)[0], NO_GRAPH)
    praise = "right: adapted on the support set, judged on the query set, logits into cross_entropy"
    return judge(_valued(net, attempt), _valued(net, _loss_with()), posed, problems, praise=praise)


def _valued(net: Callable, task_loss: Callable) -> Callable:
    """The task loss and its gradient, so that a cut graph shows."""

    def valued(theta: Theta, support: tuple, query: tuple, inner_lr: float) -> tuple | None:
        leaves = {name: p.clone().requires_grad_() for name, p in theta.items()}
        loss = task_loss(net, leaves, support, query, inner_lr)
        if not isinstance(loss, Tensor) or loss.dim():
            return loss  # the judge says what it is
        if not loss.requires_grad:
            return loss, NO_GRAPH
        grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        zeros = (torch.zeros_like(p) for p in leaves.values())
        return loss.detach(), [z if g is None else g for g, z in zip(grads, zeros, strict=True)]

    return valued


# Accuracy and its interval -----------------------------------------------------------------------


def _interval_with(
    *, unit: str = "task", factor: float = 1.96, root: bool = True, scale: float = 1.0,
    sure: bool = False,
) -> Callable:  # fmt: skip
    """Mean accuracy and its half-width, right unless a mistake is asked for."""

    def interval(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        right = (logits.argmax(-1) == labels).double()
        if sure:
            right = logits.softmax(-1).gather(-1, labels[..., None])[..., 0]
        values = {"task": right.mean(1), "query": right.mean(0), "answer": right.flatten()}[unit]
        n = len(values) ** (0.5 if root else 0.0)
        return scale * right.mean(), scale * factor * values.std() / n

    return interval


INTERVAL_MISTAKES = {
    "it counts every query as if it were drawn alone; a task's queries share its five characters "
    "and its support set, so they are right or wrong together: take the mean of each task first": (
        _interval_with(unit="answer")
    ),
    "the means are taken over the tasks, which were drawn at random, and their spread over the "
    "queries: it is the other way round": _interval_with(unit="query"),
    "the interval is one standard error, which holds the true mean only 68 times in 100; 95 takes "
    "1.96 of them": _interval_with(factor=1.0),
    "the interval is the spread of single tasks; divide by the square root of their number": (
        _interval_with(root=False)
    ),
    "this is the whole width of the interval; its half was asked for": _interval_with(
        factor=2 * 1.96
    ),
    "this is in per cent; shares, from 0 to 1, were asked for": _interval_with(scale=100.0),
    "this is the mean probability of the right label; accuracy counts how often it is the "
    "likeliest": _interval_with(sure=True),
}


def check_accuracy_interval(attempt: Callable[[Tensor, Tensor], tuple]) -> Verdict:
    """`attempt(logits, labels)`, (tasks, queries, way) and (tasks, queries), -> the mean accuracy
    and the half-width of its 95% interval."""
    problems = []
    for seed, (tasks, queries, way) in enumerate([(40, 15, 5), (25, 10, 3), (60, 6, 5)]):
        generator = torch.Generator().manual_seed(seed)
        draw = {"generator": generator, "dtype": torch.float64}
        labels = torch.randint(way, (tasks, queries), generator=generator)
        hard = 4 * torch.rand(tasks, 1, 1, **draw)  # some tasks are harder than others
        sure = hard * torch.nn.functional.one_hot(labels, way)
        problems.append((sure + torch.randn(tasks, queries, way, **draw), labels))

    def posed(interval: Callable) -> Callable:
        def answered(logits: Tensor, labels: Tensor) -> object:
            made = interval(logits, labels)
            return tuple(made) if isinstance(made, list) else made

        return answered

    praise = "right: tasks were drawn at random, so the spread over tasks makes the interval"
    mistakes = {message: posed(wrong) for message, wrong in INTERVAL_MISTAKES.items()}
    return judge(posed(attempt), _interval_with(), mistakes, problems, praise=praise,
                 tolerance=1e-5)  # fmt: skip


# Batch-norm by the support set -------------------------------------------------------------------

EPSILON = 1e-3


def _norm_with(
    *, of: str = "support", over: tuple[int, ...] = (0, 2, 3), epsilon: float = EPSILON,
    unbiased: bool = False, root: bool = True, outside: bool = False,
) -> Callable:  # fmt: skip
    """Query activations by the support's statistics, right unless a mistake is asked for."""

    def norm(support: Tensor, query: Tensor) -> Tensor:
        batch = {"support": support, "query": query, "both": torch.cat([support, query])}[of]
        mean = batch.mean(over, keepdim=True)
        variance = batch.var(over, correction=int(unbiased), keepdim=True)
        if outside:
            return (query - mean) / (variance.sqrt() + epsilon)
        scale = (variance + epsilon).sqrt() if root else variance + epsilon
        return (query - mean) / scale

    return norm


NORM_MISTAKES = {
    "these are the query's own statistics: that is the transductive protocol": _norm_with(
        of="query"
    ),
    "the statistics are those of support and query together: a query's answer still depends on "
    "the other queries": _norm_with(of="both"),
    "every place of the picture has its own statistics here; a channel has one mean, over its "
    "samples and its places, (0, 2, 3)": _norm_with(over=(0,)),
    "all channels share one mean here; each channel has its own, over (0, 2, 3)": _norm_with(
        over=(0, 1, 2, 3)
    ),
    "divided by the variance; divide by its square root, the standard deviation": _norm_with(
        root=False
    ),
    "nearly: batch-norm's variance divides by n, not by n - 1 (correction=0)": _norm_with(
        unbiased=True
    ),
    "nearly: epsilon is missing; it belongs to the variance, under the root": _norm_with(
        epsilon=0.0
    ),
    "nearly: epsilon belongs to the variance, under the root": _norm_with(outside=True),
}


def check_support_norm(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """`attempt(support, query)` -> the query's activations (queries, channels, height, width),
    normalised by the statistics of the support's, with epsilon 0.001."""
    problems = []
    for seed, (shots, queries, channels) in enumerate([(5, 9, 3), (4, 2, 6), (3, 5, 2)]):
        generator = torch.Generator().manual_seed(seed)
        draw = {"generator": generator, "dtype": torch.float64}
        spread = 0.02 + torch.rand(1, channels, 1, 1, **draw)  # one so small that epsilon counts
        spread[0, 0] = 0.03
        support = spread * torch.randn(shots, channels, 2, 3, **draw) + torch.rand(2, 3, **draw)
        query = spread * torch.randn(queries, channels, 2, 3, **draw) + 1
        problems.append((support, query))
    praise = "right: the support set alone says what is usual, so queries are answered one by one"
    return judge(attempt, _norm_with(), NORM_MISTAKES, problems, praise=praise)
