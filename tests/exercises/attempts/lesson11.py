"""Attempts at lesson 11's exercises, as readers might write them."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.func import grad
from torch.nn.functional import cross_entropy

from maml_edu.inner import adapt


def by_package(net, theta, support, query, inner_lr):
    def loss_at(theta, x, y):
        return cross_entropy(net(theta, x), y)

    adapted = adapt(loss_at, theta, *support, inner_lr=inner_lr, inner_steps=1)[-1]
    return loss_at(adapted, *query)


def by_autograd(net, theta, support, query, inner_lr):
    loss = cross_entropy(net(theta, support[0]), support[1])
    grads = torch.autograd.grad(loss, list(theta.values()), create_graph=True)
    adapted = {n: p - inner_lr * g for (n, p), g in zip(theta.items(), grads, strict=True)}
    logits = net(adapted, query[0])
    return -logits.log_softmax(-1).gather(1, query[1][:, None]).mean()


def norm_by_loops(support, query):
    out = torch.empty_like(query)
    for c in range(support.shape[1]):
        seen = support[:, c].flatten()
        variance = ((seen - seen.mean()) ** 2).mean()
        out[:, c] = (query[:, c] - seen.mean()) / torch.sqrt(variance + 1e-3)
    return out


def interval_in_numpy(logits, labels):
    shares = (logits.numpy().argmax(-1) == labels.numpy()).mean(1)
    return shares.mean(), 1.96 * shares.std(ddof=1) / math.sqrt(len(shares))


def softmax_first(net, theta, support, query, inner_lr):
    def loss_at(theta, x, y):
        return cross_entropy(torch.softmax(net(theta, x), dim=1), y)

    adapted = adapt(loss_at, theta, *support, inner_lr=inner_lr, inner_steps=1)[-1]
    return loss_at(adapted, *query)


def cut(net, theta, support, query, inner_lr):
    loss = cross_entropy(net(theta, support[0]), support[1])
    grads = torch.autograd.grad(loss, list(theta.values()))
    adapted = {n: p - inner_lr * g for (n, p), g in zip(theta.items(), grads, strict=True)}
    return cross_entropy(net(adapted, query[0]), query[1])


def support_labels(net, theta, support, query, inner_lr):
    grads = grad(lambda t: cross_entropy(net(t, support[0]), support[1]))(theta)
    adapted = {n: p - inner_lr * grads[n] for n, p in theta.items()}
    return cross_entropy(net(adapted, query[0]), support[1])


def at_theta(net, theta, support, query, inner_lr):
    return cross_entropy(net(theta, query[0]), query[1])


def no_graph(net, theta, support, query, inner_lr):
    return by_autograd(net, theta, support, query, inner_lr).detach()


def transductive(support, query):
    mean, var = query.mean((0, 2, 3), keepdim=True), query.var((0, 2, 3), False, keepdim=True)
    return (query - mean) / torch.sqrt(var + 1e-3)


def joined(support, query):
    return transductive(support, torch.cat([support, query]))[len(support) :]


def without_root(support, query):
    mean, var = support.mean((0, 2, 3), keepdim=True), support.var((0, 2, 3), False, keepdim=True)
    return (query - mean) / (var + 1e-3)


def binomial(logits, labels):
    right = (logits.argmax(-1) == labels).double().flatten()
    return right.mean(), 1.96 * right.std() / len(right) ** 0.5


def per_cent(logits, labels):
    return tuple(100 * value for value in interval_in_numpy(logits, labels))


def only_mean(logits, labels):
    return interval_in_numpy(logits, labels)[0]


RIGHT = {
    "check_classifier_loss": [by_package, by_autograd],
    "check_support_norm": [norm_by_loops],
    "check_accuracy_interval": [
        interval_in_numpy,
        lambda logits, labels: list(interval_in_numpy(logits, labels)),
    ],
}
WRONG = {
    "check_classifier_loss": [
        (softmax_first, "softmax"),
        (cut, "first-order"),
        (support_labels, "support set's labels"),
        (at_theta, "pre-training"),
        (no_graph, "no graph"),
    ],
    "check_support_norm": [
        (transductive, "transductive"),
        (joined, "together"),
        (without_root, "square root"),
        (lambda s, q: norm_by_loops(s, q)[:, :1], "shape"),
    ],
    "check_accuracy_interval": [
        (binomial, "right or wrong together"),
        (per_cent, "per cent"),
        (only_mean, "a tuple of 2 was asked for"),
        (lambda z, y: (np.float64(0.5), 0.1), "numbers differ"),
    ],
}
