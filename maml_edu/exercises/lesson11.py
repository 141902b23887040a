"""Checks of lesson 08: a classifier's task loss, the interval, batch-norm by the support set."""

from functools import partial

import torch
from torch.nn.functional import cross_entropy, one_hot

from maml_edu.exercises.common import FIRST_ORDER, Draws, adapted, traced, wrong_sets
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise
from maml_edu.models import mlp

__all__ = ["check_accuracy_interval", "check_classifier_loss", "check_support_norm"]


@exercise("11.1", "the loss of one task")
def check_classifier_loss() -> Comparison:
    """`attempt(net, theta, support, query, inner_lr)` -> MAML's loss of one task of classification
    after one inner step, a scalar; judged by its value and its gradient with respect to theta."""

    def right(net, theta, support, query, inner_lr, loss=cross_entropy, first_order=False):
        def loss_fn(theta, x, y):
            return loss(net(theta, x), y)

        end = adapted(loss_fn, theta, support, inner_lr, first_order=first_order)
        return loss_fn(end, *query)

    mistakes = {
        "cross_entropy takes logits and has its own softmax: here it is applied twice": (
            partial(right, loss=lambda logits, y: cross_entropy(logits.softmax(-1), y))
        ),
        "the query's outputs are compared with the support set's labels": (
            lambda net, t, support, query, lr: right(net, t, support, (query[0], support[1]), lr)
        ),
        "this is pre-training: the loss is taken at theta": lambda *p: right(*p[:-1], 0.0),
        **wrong_sets(right),
        "the sign is flipped: the inner step climbs": lambda *p: right(*p[:-1], -p[-1]),
        FIRST_ORDER: partial(right, first_order=True),
        "cross_entropy is summed up": partial(right, loss=partial(cross_entropy, reduction="sum")),
        "it has no graph: detached, it cannot be trained": lambda *p: right(*p).detach(),
    }
    net, problems = mlp(4, 6, 3), []
    for seed in range(3):
        draws = Draws(seed)
        theta = net.init(generator=draws.generator, dtype=torch.float64)
        theta = {name: p.requires_grad_() for name, p in theta.items()}
        sets = [(draws.normal(9, 4), draws.labels(3, 9)) for _ in range(2)]
        problems.append((net, theta, *sets, 0.4))
    return Comparison(right, mistakes, problems, "right: adapts on support, asks the query", traced)


@exercise("11.2", "accuracy, with its interval")
def check_accuracy_interval() -> Comparison:
    """`attempt(logits, labels)`, (tasks, queries, way) and (tasks, queries), -> the mean accuracy
    and the half-width of its 95% interval."""

    def is_right(logits, labels):
        return (logits.argmax(-1) == labels).double()

    def interval(values, factor=1.96):
        return values.mean(), factor * values.std() / len(values) ** 0.5

    def right(logits, labels, factor=1.96):
        return interval(is_right(logits, labels).mean(1), factor)

    def sure(logits, labels):
        return interval(logits.softmax(-1).gather(-1, labels[..., None]).mean((1, 2)))

    mistakes = {
        "a task's queries share its support set, so they are right or wrong together: take the "
        "mean of each task first": lambda z, y: interval(is_right(z, y).flatten()),
        "take the spread over tasks, not queries": lambda z, y: interval(is_right(z, y).mean(0)),
        "one standard error holds the mean 68 times in 100; take 1.96": partial(right, factor=1.0),
        "divide by the root of len(logits)": lambda z, y: right(z, y, factor=1.96 * len(z) ** 0.5),
        "this is the whole width; give half of it": partial(right, factor=2 * 1.96),
        "this is in per cent; give shares, from 0 to 1": lambda *p: [100 * v for v in right(*p)],
        "this is the mean probability of the right label, not the accuracy": sure,
    }
    problems = []
    for seed, (tasks, queries, way) in enumerate([(40, 15, 5), (25, 10, 3), (60, 6, 5)]):
        draws = Draws(seed)
        labels = draws.labels(way, tasks, queries)
        hard = 4 * draws.uniform(tasks, 1, 1)  # some tasks are harder than others
        problems.append((hard * one_hot(labels, way) + draws.normal(tasks, queries, way), labels))
    return Comparison(right, mistakes, problems, "right: the spread is over tasks", tolerance=1e-5)


@exercise("11.3", "batch-norm by the support set")
def check_support_norm() -> Comparison:
    """`attempt(support, query)` -> the query's activations (queries, channels, height, width),
    normalised by the statistics of the support's, with epsilon 0.001."""

    def normed(batch, query, over=(0, 2, 3), correction=0, power=0.5, inside=1e-3, outside=0.0):
        variance = batch.var(over, correction=correction, keepdim=True)
        return (query - batch.mean(over, True)) / ((variance + inside) ** power + outside)

    mistakes = {
        "these are the query's own statistics: transductive": lambda s, q: normed(q, q),
        "support and query are normalised together": lambda s, q: normed(torch.cat([s, q]), q),
        "each place has its own statistics; take them over (0, 2, 3)": partial(normed, over=(0,)),
        "all channels share one mean; take it over (0, 2, 3)": partial(normed, over=(0, 1, 2, 3)),
        "divided by the variance; divide by its square root": partial(normed, power=1),
        "nearly: the variance divides by n, not by n - 1": partial(normed, correction=1),
        "nearly: epsilon is missing under the root": partial(normed, inside=0.0),
        "nearly: epsilon belongs under the root": partial(normed, inside=0.0, outside=1e-3),
    }
    problems = []
    for seed, (shots, queries, channels) in enumerate([(5, 9, 3), (4, 2, 6), (3, 5, 2)]):
        draws = Draws(seed)
        spread = 0.02 + draws.uniform(1, channels, 1, 1)
        spread[0, 0] = 0.03  # so small that epsilon counts
        support = spread * draws.normal(shots, channels, 2, 3) + draws.uniform(2, 3)
        problems.append((support, spread * draws.normal(queries, channels, 2, 3) + 1))
    return Comparison(normed, mistakes, problems, "right: each query is answered by itself")
