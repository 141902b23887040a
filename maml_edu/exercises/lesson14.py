"""Checks of lesson 10: prototypes, logits from distances, attention over the support set."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize, one_hot

from maml_edu.exercises.common import Draws
from maml_edu.exercises.difference import numbers
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_attention", "check_nearest", "check_prototypes"]


@exercise("14.1", "prototypes")
def check_prototypes() -> Comparison:
    """`attempt(features, labels, way)`, (drawings, features) and (drawings,), -> the mean of each
    class, (way, features), row c for label c."""

    def right(x, y, way, reduce=lambda of_class: of_class.mean(0)):
        return torch.stack([reduce(x[y == c]) for c in range(way)])

    sums = partial(right, reduce=lambda of_class: of_class.sum(0))
    mistakes = {
        "these are the sums of the classes; a prototype is the mean": sums,
        "classes have different numbers of drawings: divide each sum by its own class's": (
            lambda x, y, way: sums(x, y, way) / len(y),
            lambda x, y, way: sums(x, y, way) / (len(y) / way),
        ),
        "the rows are in the order in which the classes are met; "
        "row c is for label c": lambda x, y, way: right(x, y, way)[list(dict.fromkeys(y.tolist()))],
        "the rows are cut into blocks as they come; `labels` says whose each drawing is": (
            lambda x, y, way: x[: len(y) // way * way].view(way, -1, x.shape[1]).mean(1),
            lambda x, y, way: x.view(way, -1, x.shape[1]).mean(1),
            lambda x, y, way: x.reshape(way, len(x) // way, -1).mean(1),
        ),
        "the mean is over the features; take it over dim 0": partial(right, reduce=torch.mean),
        "average each class before stacking": partial(right, reduce=lambda rows: rows),
        "this is the mean of all drawings; each class has its own": lambda x, y, w: x.mean(0),
        "this is (features, way); return (way, features)": lambda *p: right(*p).T,
        "this is a list; stack its rows: torch.stack": lambda *p: list(right(*p)),
    }
    problems = []
    for seed, (way, features) in enumerate([(3, 4), (5, 2), (4, 6)]):
        labels = torch.cat([torch.arange(way).flip(0), torch.arange(way)[1:], torch.tensor([1, 1])])
        x = Draws(seed).normal(len(labels), features)
        problems.append((x + labels[:, None], labels, way))
    return Comparison(right, mistakes, problems, "right: one mean a class, whatever the numbers")


@exercise("14.2", "the nearest prototype")
def check_nearest() -> Comparison:
    """`attempt(features, prototypes)`, (queries, features) and (way, features), -> logits,
    (queries, way): minus the squared distances, up to a number of its own for each query."""

    def right(features, prototypes):
        return -(features[:, None] - prototypes).square().sum(-1)

    mistakes = {
        "the sign is flipped: the farthest gets the highest logit": lambda f, p: -right(f, p),
        "this is the distance; its square was asked for": lambda f, p: -(-right(f, p)).sqrt(),
        "this is the mean over the features; sum over them": lambda f, p: right(f, p) / f.shape[1],
        "the prototypes' own lengths are missing: long ones win": lambda f, p: 2 * f @ p.T,
        "these are dot products; take minus the squared distances": lambda f, p: f @ p.T,
        "nearly: the product f·mu counts twice": lambda f, p: f @ p.T - p.square().sum(1),
        "these are probabilities; return logits": lambda f, p: right(f, p).softmax(-1),
        "this is (way, queries); a row for each query was asked for": lambda f, p: right(f, p).T,
        "compare all pairs: features[:, None] - prototypes": lambda f, p: -(f - p).square().sum(1),
    }
    problems = []
    for seed, (queries, way, features) in enumerate([(6, 3, 4), (4, 5, 2), (7, 4, 3)]):
        draws = Draws(seed)
        problems.append((draws.normal(queries, features), draws.normal(way, features)))
    return Comparison(right, mistakes, problems, "right: nearer prototype, higher logit", _levelled)


def _levelled(nearest: Callable) -> Callable:
    """A probe: logits without what all classes of a query share, which softmax does not see."""

    def levelled(features: Tensor, prototypes: Tensor) -> object:
        made = nearest(features, prototypes)
        logits = numbers(made)
        shape = len(features), len(prototypes)
        if logits is None or logits.shape != shape or not logits.is_floating_point():
            return made
        return logits - logits.mean(1, keepdim=True)

    return levelled


def _cosines(query: Tensor, support: Tensor) -> Tensor:
    return normalize(query, dim=1) @ normalize(support, dim=1).T


def _attention(query, support, labels, way, scale, likeness=_cosines, dim=1, each=one_hot):
    """Right by default. likeness: of queries and drawings; dim: that the softmax is over; each: how
    a drawing counts for its class."""
    weights = (scale * likeness(query, support)).softmax(dim)
    return weights @ each(labels, way).to(weights)


def _averaged(labels: Tensor, way: int) -> Tensor:
    return (of_class := one_hot(labels, way)) / of_class.sum(0)


@exercise("14.3", "attention")
def check_attention() -> Comparison:
    """`attempt(query, support, labels, way, scale)`, (queries, features), (drawings, features) and
    (drawings,), -> each query's probabilities, (queries, way)."""

    def compared(likeness):
        return partial(_attention, likeness=likeness)

    def softmax_last(q, s, y, way, scale):
        return (scale * _cosines(q, s) @ one_hot(y, way).to(q)).softmax(1)

    mistakes = {
        "the softmax is over the queries; take the drawings": partial(_attention, dim=0),
        "not normalised: a dot product is no cosine": compared(lambda q, s: q @ s.T),
        "only one of the two is normalised": compared(lambda q, s: normalize(q) @ s.T),
        "each vector must have length 1 by itself: normalize(x, dim=1), over its features": (
            compared(lambda q, s: q / q.norm() @ (s / s.norm()).T)
        ),
        "these are distances; compare by cosines": compared(lambda q, s: -torch.cdist(q, s)),
        "scale is missing: multiply the cosines by it": lambda *p: _attention(*p[:-1], 1.0),
        "the cosines are divided by scale; multiply": lambda *p: _attention(*p[:-1], 1 / p[-1]),
        "the softmax comes after the sum by class; take it first": softmax_last,
        "this compares with each class's prototype; matching networks attend to each drawing": (
            lambda q, s, y, way, r: (r * _cosines(q, _averaged(y, way).to(s).T @ s)).softmax(1)
        ),
        "attention is averaged over a class; add it up": partial(_attention, each=_averaged),
        "add up the attention of each class": lambda q, s, *p: (p[-1] * _cosines(q, s)).softmax(1),
        "these are logarithms; probabilities were asked for": lambda *p: _attention(*p).log(),
        "one_hot gives whole numbers: one_hot(labels, way).to(weights.dtype)": (
            lambda q, s, y, way, scale: _cosines(q, s).softmax(1) @ one_hot(y, way)
        ),
        "compare each query with each drawing": lambda q, s, y, way, scale: cosine_similarity(q, s),
    }
    problems = []
    for seed, (queries, way) in enumerate([(4, 3), (6, 2), (3, 4)]):
        draws = Draws(seed)
        labels = torch.cat([torch.arange(way).flip(0), torch.tensor([1, 1])])
        support = 0.1 + 2 * draws.uniform(len(labels), 3)  # as behind a ReLU
        problems.append((2 * draws.uniform(queries, 3), support, labels, way, 4.0 + seed))
    return Comparison(_attention, mistakes, problems, "right: cosines, softmax, sum by class")
