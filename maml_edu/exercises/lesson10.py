"""Checks of lesson 10: prototypes, logits from distances, attention over the support set."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize, one_hot

from maml_edu.exercises.common import Draws
from maml_edu.exercises.difference import numbers
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_attention", "check_nearest", "check_prototypes"]


@exercise("10.1", "prototypes")
def check_prototypes() -> Comparison:
    """`attempt(features, labels, way)`, (drawings, features) and (drawings,), -> the mean of each
    class, (way, features), row c for label c."""
    problems = []
    for seed, (way, features) in enumerate([(3, 4), (5, 2), (4, 6)]):
        labels = torch.cat([torch.arange(way).flip(0), torch.arange(way)[1:], torch.tensor([1, 1])])
        x = Draws(seed).normal(len(labels), features)
        problems.append((x + labels[:, None], labels, way))
    praise = "right: one mean a class, whatever the order and the number of its drawings"
    return Comparison(_prototypes, _prototype_mistakes(), problems, praise)


def _prototypes(features: Tensor, labels: Tensor, way: int) -> Tensor:
    return torch.stack([one.mean(0) for one in _of_classes(features, labels, way)])


def _of_classes(features: Tensor, labels: Tensor, way: int) -> list[Tensor]:
    return [features[labels == c] for c in range(way)]


def _prototype_mistakes() -> dict[str, Callable | tuple[Callable, ...]]:
    right = _prototypes

    def sums(*problem):
        return torch.stack([one.sum(0) for one in _of_classes(*problem)])

    return {
        "these are the sums of the classes; a prototype is the mean": sums,
        "each sum is divided by the number of all drawings; divide by those of its own class": (
            lambda x, y, way: sums(x, y, way) / len(y)
        ),
        "each sum is divided by len(labels) / way, but classes may have different numbers of "
        "drawings: count each": (
            lambda x, y, way: sums(x, y, way) / (len(y) // way),
            lambda x, y, way: sums(x, y, way) / (len(y) / way),
        ),
        "the rows are in the order in which the classes are met; row c must be that of label c": (
            lambda x, y, way: right(x, y, way)[list(dict.fromkeys(y.tolist()))]
        ),
        "the rows are cut into blocks as they come, all of one size; `labels` says which drawing "
        "is of which class, and classes have different numbers of drawings": (
            lambda x, y, way: x[: len(y) // way * way].view(way, -1, x.shape[1]).mean(1),
            lambda x, y, way: x.view(way, -1, x.shape[1]).mean(1),
            lambda x, y, way: x.reshape(way, len(x) // way, -1).mean(1),
            lambda x, y, way: x.reshape(way, len(x) // way, x.shape[1]).mean(1),
            lambda x, y, way: torch.stack([part.mean(0) for part in x.chunk(way)]),
        ),
        "the mean is over the features; take it over the drawings of a class, dim 0": (
            lambda *p: torch.stack([one.mean(1) for one in _of_classes(*p)]),
            lambda *p: torch.stack([one.mean() for one in _of_classes(*p)]),
        ),
        "classes have different numbers of drawings: take each class's mean before stacking": (
            lambda *p: torch.stack(_of_classes(*p))
        ),
        "this is the mean of all drawings; each class has its own": (
            lambda x, y, way: x.mean(0),
            lambda x, y, way: x.mean(0).expand(way, -1),
        ),
        "features[c] is one drawing; labels == c picks those of class c": lambda x, y, w: x[:w],
        "this is (features, way); return (way, features)": lambda *p: right(*p).T,
        "this is a list; stack its rows: torch.stack": lambda *p: list(right(*p)),
    }


@exercise("10.2", "the nearest prototype")
def check_nearest() -> Comparison:
    """`attempt(features, prototypes)`, (queries, features) and (way, features), -> logits,
    (queries, way): minus the squared distances, up to a number of its own for each query."""

    def right(features, prototypes):
        return -(features[:, None] - prototypes).square().sum(-1)

    mistakes = {
        "the sign is flipped: the farthest gets the highest logit": lambda f, p: -right(f, p),
        "this is the distance; its square was asked for (the root bends what would be a linear "
        "classifier)": lambda f, p: -(-right(f, p)).sqrt(),
        "this is the mean over the features; sum over them": lambda f, p: right(f, p) / f.shape[1],
        "the prototypes' own lengths are missing: with 2 f·mu alone a long prototype wins "
        "everywhere": (lambda f, p: 2 * f @ p.T, lambda f, p: f @ p.T),
        "nearly: the product f·mu counts twice": lambda f, p: f @ p.T - p.square().sum(1),
        "these are probabilities; return logits": lambda f, p: right(f, p).softmax(-1),
        "this is (way, queries); a row for each query was asked for": lambda f, p: right(f, p).T,
        "features and prototypes differ in their first axis: write features[:, None] - prototypes, "
        "which is (queries, way, features)": (
            lambda f, p: -(f - p).square().sum(1),
            lambda f, p: -(f - p).square().sum(-1),
        ),
    }
    problems = []
    for seed, (queries, way, features) in enumerate([(6, 3, 4), (4, 5, 2), (7, 4, 3)]):
        draws = Draws(seed)
        problems.append((draws.normal(queries, features), draws.normal(way, features)))
    praise = "right: the nearer the prototype, the higher its logit"
    return Comparison(right, mistakes, problems, praise, _levelled)


def _levelled(nearest: Callable) -> Callable:
    """A probe: logits without what is the same for all classes of a query, which softmax does not
    see."""

    def levelled(features: Tensor, prototypes: Tensor) -> object:
        made = nearest(features, prototypes)
        logits = numbers(made)
        shape = len(features), len(prototypes)
        if logits is None or logits.shape != shape or not logits.is_floating_point():
            return made
        return logits - logits.mean(1, keepdim=True)

    return levelled


@exercise("10.3", "attention")
def check_attention() -> Comparison:
    """`attempt(query, support, labels, way, scale)`, (queries, features), (drawings, features) and
    (drawings,), -> each query's probabilities, (queries, way)."""
    problems = []
    for seed, (queries, way) in enumerate([(4, 3), (6, 2), (3, 4)]):
        draws = Draws(seed)
        labels = torch.cat([torch.arange(way).flip(0), torch.tensor([1, 1])])
        support = 0.1 + 2 * draws.uniform(len(labels), 3)  # as behind a ReLU
        problems.append((2 * draws.uniform(queries, 3), support, labels, way, 4.0 + seed))
    praise = "right: cosines, a softmax over the support drawings, and a sum by class"
    return Comparison(_attention, _attention_mistakes(), problems, praise)


def _cosines(query: Tensor, support: Tensor) -> Tensor:
    return normalize(query, dim=1) @ normalize(support, dim=1).T


def _attention(query, support, labels, way, scale, likeness=_cosines, dim=1, each=one_hot):
    """Right by default. likeness: of queries and drawings; dim: that the softmax is over; each: how
    a drawing counts for its class."""
    weights = (scale * likeness(query, support)).softmax(dim)
    return weights @ each(labels, way).to(weights)


def _averaged(labels: Tensor, way: int) -> Tensor:
    of_class = one_hot(labels, way)
    return of_class / of_class.sum(0)


def _by_sums(q, s, y, way, scale):
    cosines = _cosines(q, s)
    return cosines / cosines.sum(1, keepdim=True) @ one_hot(y, way).to(q)


def _to_prototypes(q, s, y, way, scale):
    return (scale * _cosines(q, _prototypes(s, y, way))).softmax(1)


def _attention_mistakes() -> dict[str, Callable | tuple[Callable, ...]]:
    def with_likeness(likeness):
        return lambda *p: _attention(*p, likeness=likeness)

    def before_softmax(each):
        return lambda q, s, y, way, scale: (scale * _cosines(q, s) @ each(y, way).to(q)).softmax(1)

    return {
        "the softmax is over the queries; each query shares its attention out among the support "
        "drawings, which are the columns": lambda *p: _attention(*p, dim=0),
        "the features are not normalised: this is the dot product, in which a long feature draws "
        "all attention; a cosine is that of vectors of length 1": with_likeness(
            lambda q, s: q @ s.T
        ),
        "only one of the two is normalised; a cosine takes vectors of length 1 on both sides": (
            with_likeness(lambda q, s: normalize(q, dim=1) @ s.T),
            with_likeness(lambda q, s: q @ normalize(s, dim=1).T),
        ),
        "each vector must have length 1 by itself: normalize(x, dim=1), over its features": (
            with_likeness(lambda q, s: normalize(q, dim=0) @ normalize(s, dim=0).T),
            with_likeness(lambda q, s: q / q.norm() @ (s / s.norm()).T),
        ),
        "these are distances; matching networks compare by cosines": (
            with_likeness(lambda q, s: -torch.cdist(q, s)),
            with_likeness(lambda q, s: -(q[:, None] - s).square().sum(-1)),
        ),
        "scale is missing: multiply the cosines by it": lambda *p: _attention(*p[:-1], 1.0),
        "the cosines are divided by scale; multiply": lambda *p: _attention(*p[:-1], 1 / p[-1]),
        "the cosines are divided by their sum; the attention is their softmax": _by_sums,
        "the softmax comes after the sum by class; each drawing gets its attention first, and then "
        "add up that of each class": (before_softmax(one_hot), before_softmax(_averaged)),
        "this compares with the mean of each class, as a prototype; matching networks attend to "
        "each drawing": _to_prototypes,
        "each class's attention is averaged over its drawings; they add up, and the classes to 1": (
            lambda *p: _attention(*p, each=_averaged)
        ),
        "this is the attention to each drawing; add up that of each class": (
            lambda q, s, y, way, scale: (scale * _cosines(q, s)).softmax(1)
        ),
        "the nearest drawing gets everything; share the attention out by a softmax": (
            lambda q, s, y, way, scale: one_hot(y[_cosines(q, s).argmax(1)], way)
        ),
        "these are logarithms; probabilities were asked for": lambda *p: _attention(*p).log(),
        "this is (way, queries); a row for each query was asked for": lambda *p: _attention(*p).T,
        "one_hot gives whole numbers, which no matrix of real ones multiplies: "
        "one_hot(labels, way).to(weights.dtype)": (
            lambda q, s, y, way, scale: _cosines(q, s).softmax(1) @ one_hot(y, way)
        ),
        "each query is to be compared with each drawing: normalize(query, dim=1) @ "
        "normalize(support, dim=1).T is (queries, drawings)": (
            lambda q, s, y, way, scale: cosine_similarity(q, s),
            lambda q, s, y, way, scale: _cosines(s, q).softmax(1) @ one_hot(y, way).to(q),
            lambda q, s, y, way, scale: q @ s,
        ),
    }
