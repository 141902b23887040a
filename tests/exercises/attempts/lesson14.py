"""Attempts at lesson 14's exercises, as readers might write them."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity, normalize, one_hot


def means_by_loop(features, labels, way):
    return torch.stack([features[labels == c].mean(0) for c in range(way)])


def far_by_cdist(features, prototypes):
    return -(torch.cdist(features, prototypes, compute_mode="donot_use_mm_for_euclid_dist") ** 2)


def as_linear(features, prototypes):
    return 2 * features @ prototypes.T - (prototypes**2).sum(1)


def attention_by_loop(query, support, labels, way, scale):
    rows = []
    for one in query:
        weight = torch.softmax(scale * cosine_similarity(one[None], support), 0)
        rows.append(torch.stack([weight[labels == c].sum() for c in range(way)]))
    return torch.stack(rows)


def sums(features, labels, way):
    return torch.stack([features[labels == c].sum(0) for c in range(way)])


def as_met(features, labels, way):
    return torch.stack([features[labels == c].mean(0) for c in dict.fromkeys(labels.tolist())])


def blocks(features, labels, way):
    shots = len(features) // way
    return torch.stack([features[c * shots : (c + 1) * shots].mean(0) for c in range(way)])


def not_squared(features, prototypes):
    return -torch.cdist(features, prototypes)


def farthest(features, prototypes):
    return ((features[:, None] - prototypes) ** 2).sum(2)


def products(features, prototypes):
    return 2 * features @ prototypes.T


def over_queries(query, support, labels, way, scale):
    cosines = cosine_similarity(query[:, None], support[None], dim=2)
    weight = torch.softmax(scale * cosines, dim=0)
    return torch.stack([weight[:, labels == c].sum(1) for c in range(way)], 1)


def plain_products(query, support, labels, way, scale):
    weight = torch.softmax(scale * query @ support.T, dim=1)
    return torch.stack([weight[:, labels == c].sum(1) for c in range(way)], 1)


def logs(query, support, labels, way, scale):
    return attention_by_loop(query, support, labels, way, scale).log()


def as_blocks(features, labels, way):
    return features.reshape(way, len(features) // way, -1).mean(1)


def integer_one_hot(query, support, labels, way, scale):
    weights = torch.softmax(scale * normalize(query, dim=1) @ normalize(support, dim=1).T, dim=1)
    return weights @ one_hot(labels, way)


def by_similarity(query, support, labels, way, scale):
    return torch.softmax(scale * cosine_similarity(query, support), dim=0)


def whole_norm(query, support, labels, way, scale):
    cosines = (query / query.norm()) @ (support / support.norm()).T
    return torch.softmax(scale * cosines, dim=1) @ one_hot(labels, way).double()


def to_prototypes(query, support, labels, way, scale):
    prototypes = means_by_loop(support, labels, way)
    return torch.softmax(scale * cosine_similarity(query[:, None], prototypes[None], dim=2), dim=1)


RIGHT = {
    "check_prototypes": [means_by_loop],
    "check_nearest": [far_by_cdist, as_linear, lambda f, p: as_linear(f, p).numpy()],
    "check_attention": [attention_by_loop],
}
WRONG = {
    "check_prototypes": [
        (sums, "sums"),
        (as_met, "order in which the classes are met"),
        (blocks, "into blocks"),
        (as_blocks, "into blocks"),
        (lambda x, y, way: x.view(way, -1, x.shape[1]).mean(dim=1), "into blocks"),
        (lambda x, y, way: torch.stack([x[y == c] for c in range(way)]), "before stacking"),
        (lambda x, y, way: [x[y == c].mean(0) for c in range(way)], "torch.stack"),
        (lambda x, y, way: x.mean(0), "mean of all drawings"),
        (
            lambda x, y, way: torch.stack([x[y == c].mean() for c in range(way)]),
            "over the features",
        ),
    ],
    "check_nearest": [
        (not_squared, "its square was asked for"),
        (farthest, "farthest"),
        (products, "own lengths are missing"),
        (lambda f, p: -((f - p) ** 2).sum(-1), "features[:, None]"),
        (lambda f, p: as_linear(f, p)[:, :1], "shape"),
    ],
    "check_attention": [
        (over_queries, "over the queries"),
        (plain_products, "not normalised"),
        (logs, "logarithms"),
        (integer_one_hot, "whole numbers"),
        (by_similarity, "compare each query with each drawing"),
        (whole_norm, "length 1 by itself"),
        (to_prototypes, "each class's prototype"),
    ],
}
