"""Checks of lesson 08: a classifier's task loss, the interval, batch-norm by the support set."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy, one_hot

from maml_edu.exercises.common import Draws, adapted, traced, wrong_sets
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise
from maml_edu.models import mlp

__all__ = ["check_accuracy_interval", "check_classifier_loss", "check_support_norm"]


@exercise("08.1", "the loss of one task")
def check_classifier_loss() -> Comparison:
    """`attempt(net, theta, support, query, inner_lr)` -> MAML's loss of one task of classification
    after one inner step, a scalar; judged by its value and its gradient with respect to theta."""

    def right(net, theta, support, query, inner_lr, loss=cross_entropy, first_order=False):
        def loss_fn(theta, x, y):
            return loss(net(theta, x), y)

        end = adapted(loss_fn, theta, support, inner_lr, first_order=first_order)
        return loss_fn(end, *query)

    def of_softmax(logits, y):
        return cross_entropy(logits.softmax(-1), y)

    def summed(logits, y):
        return cross_entropy(logits, y, reduction="sum")

    def support_labels(net, theta, support, query, inner_lr):
        return right(net, theta, support, (query[0], support[1]), inner_lr)

    mistakes = {
        "a softmax stands before cross_entropy, which takes logits and has its own: it is applied "
        "twice, and no loss comes near 0": lambda *p: right(*p, loss=of_softmax),
        "the query's outputs are compared with the support set's labels": support_labels,
        "the loss is taken at theta: there are no adapted parameters in it, so this is "
        "pre-training": lambda *p: right(*p[:-1], 0.0),
        **wrong_sets(right),
        "the sign is flipped: the inner step climbs": lambda *p: right(*p[:-1], -p[-1]),
        "this is the first-order loss: the graph of the inner step was cut": (
            lambda *p: right(*p, first_order=True)
        ),
        "cross_entropy is summed over the samples; take its mean": (
            lambda *p: right(*p, loss=summed)
        ),
        "it has no graph, so nothing could be trained: it was detached": (
            lambda *p: right(*p).detach()
        ),
    }
    net, problems = mlp(4, 6, 3), []
    for seed in range(3):
        draws = Draws(seed)
        theta = net.init(generator=draws.generator, dtype=torch.float64)
        theta = {name: p.requires_grad_() for name, p in theta.items()}
        sets = [(draws.normal(9, 4), draws.labels(3, 9)) for _ in range(2)]
        problems.append((net, theta, *sets, 0.4))
    praise = "right: adapted on the support set, judged on the query set, logits into cross_entropy"
    return Comparison(right, mistakes, problems, praise, traced)


@exercise("08.2", "accuracy, with its interval")
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
        chances = logits.softmax(-1).gather(-1, labels[..., None])[..., 0]
        return interval(chances.mean(1))

    mistakes = {
        "it counts every query as if it were drawn alone; a task's queries share its five "
        "characters and its support set, so they are right or wrong together: take the mean of "
        "each task first": lambda z, y: interval(is_right(z, y).flatten()),
        "the means are taken over the tasks, which were drawn at random, and their spread over the "
        "queries: it is the other way round": lambda z, y: interval(is_right(z, y).mean(0)),
        "the interval is one standard error, which holds the true mean only 68 times in 100; 95 "
        "takes 1.96 of them": lambda z, y: right(z, y, factor=1.0),
        "the interval is the spread of single tasks; divide by the square root of their number": (
            lambda z, y: right(z, y, factor=1.96 * len(z) ** 0.5)
        ),
        "this is the whole width; give half of it": lambda z, y: right(z, y, factor=2 * 1.96),
        "this is in per cent; give shares, from 0 to 1": (
            lambda z, y: [100 * value for value in right(z, y)]
        ),
        "this is the mean probability of the right label; accuracy counts how often it is the "
        "likeliest": sure,
    }
    problems = []
    for seed, (tasks, queries, way) in enumerate([(40, 15, 5), (25, 10, 3), (60, 6, 5)]):
        draws = Draws(seed)
        labels = draws.labels(way, tasks, queries)
        hard = 4 * draws.uniform(tasks, 1, 1)  # some tasks are harder than others
        problems.append((hard * one_hot(labels, way) + draws.normal(tasks, queries, way), labels))
    praise = "right: tasks were drawn at random, so the spread over tasks makes the interval"
    return Comparison(right, mistakes, problems, praise, tolerance=1e-5)


@exercise("08.3", "batch-norm by the support set")
def check_support_norm() -> Comparison:
    """`attempt(support, query)` -> the query's activations (queries, channels, height, width),
    normalised by the statistics of the support's, with epsilon 0.001."""

    def moments(batch, over=(0, 2, 3), unbiased=False):
        return batch.mean(over, True), batch.var(over, correction=int(unbiased), keepdim=True)

    def normed(query, mean, variance, epsilon=1e-3):
        return (query - mean) / (variance + epsilon).sqrt()

    def without_root(support, query):
        mean, variance = moments(support)
        return (query - mean) / (variance + 1e-3)

    def epsilon_outside(support, query):
        mean, variance = moments(support)
        return (query - mean) / (variance.sqrt() + 1e-3)

    mistakes = {
        "these are the query's own statistics: transductive": lambda s, q: normed(q, *moments(q)),
        "the statistics are those of support and query together: a query's answer still depends on "
        "the other queries": lambda s, q: normed(q, *moments(torch.cat([s, q]))),
        "every place of the picture has its own statistics here; a channel has one mean, over its "
        "samples and its places, (0, 2, 3)": lambda s, q: normed(q, *moments(s, (0,))),
        "all channels share one mean here; each channel has its own, over (0, 2, 3)": (
            lambda s, q: normed(q, *moments(s, (0, 1, 2, 3)))
        ),
        "divided by the variance; divide by its square root, the standard deviation": without_root,
        "nearly: batch-norm's variance divides by n, not by n - 1 (correction=0)": (
            lambda s, q: normed(q, *moments(s, unbiased=True))
        ),
        "nearly: epsilon is missing under the root": (
            lambda s, q: normed(q, *moments(s), epsilon=0.0)
        ),
        "nearly: epsilon belongs to the variance, under the root": epsilon_outside,
    }
    problems = []
    for seed, (shots, queries, channels) in enumerate([(5, 9, 3), (4, 2, 6), (3, 5, 2)]):
        draws = Draws(seed)
        spread = 0.02 + draws.uniform(1, channels, 1, 1)
        spread[0, 0] = 0.03  # so small that epsilon counts
        support = spread * draws.normal(shots, channels, 2, 3) + draws.uniform(2, 3)
        problems.append((support, spread * draws.normal(queries, channels, 2, 3) + 1))
    praise = "right: the support set alone says what is usual, so queries are answered one by one"
    return Comparison(lambda s, q: normed(q, *moments(s)), mistakes, problems, praise)
