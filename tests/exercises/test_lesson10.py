"""Lesson 10's checks pass what is right, and tell each usual mistake for what it is."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cosine_similarity

from maml_edu import exercises
from maml_edu.exercises import lesson10

# The right ones, written otherwise than in the module


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


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (exercises.check_prototypes, means_by_loop),
        (exercises.check_nearest, far_by_cdist),
        (exercises.check_nearest, as_linear),
        (exercises.check_attention, attention_by_loop),
    ],
)
def test_the_right_one_passes(check, attempt):
    assert check(attempt), check(attempt)


# The usual mistakes, written as a learner would


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


@pytest.mark.parametrize(
    ("check", "attempt", "words"),
    [
        (exercises.check_prototypes, sums, "sums"),
        (exercises.check_prototypes, as_met, "order in which they are met"),
        (exercises.check_prototypes, blocks, "blocks"),
        (exercises.check_prototypes, lambda f, y, way: f.mean(0), "shape"),
        (exercises.check_nearest, not_squared, "its square was asked for"),
        (exercises.check_nearest, farthest, "farthest"),
        (exercises.check_nearest, products, "own lengths are missing"),
        (exercises.check_nearest, lambda f, p: as_linear(f, p)[:, :1], "shape"),
        (exercises.check_attention, over_queries, "over the queries"),
        (exercises.check_attention, plain_products, "not normalised"),
        (exercises.check_attention, logs, "logarithms"),
    ],
)
def test_a_mistake_is_named(check, attempt, words):
    verdict = check(attempt)
    assert verdict.state == "wrong"
    assert words in verdict.message


@pytest.mark.parametrize(
    ("check", "mistakes"),
    [
        (exercises.check_prototypes, lesson10.PROTOTYPE_MISTAKES),
        (exercises.check_nearest, lesson10.NEAREST_MISTAKES),
        (exercises.check_attention, lesson10.ATTENTION_MISTAKES),
    ],
)
def test_the_problems_tell_all_mistakes_apart(check, mistakes):
    assert len(mistakes) >= 3
    for message, mistaken in mistakes.items():
        assert check(mistaken).message == message
