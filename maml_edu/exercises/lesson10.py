"""Checks of lesson 10: prototypes, logits from distances, attention over the support set."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from maml_edu.exercises.judge import Verdict, judge

__all__ = ["check_attention", "check_nearest", "check_prototypes"]


# Prototypes --------------------------------------------------------------------------------------


def _prototypes_with(
    *, over: str = "class", order: str = "label", transposed: bool = False
) -> Callable:
    """The mean of each class, right unless a mistake is asked for."""

    def prototypes(features: Tensor, labels: Tensor, way: int) -> Tensor:
        sums = one_hot(labels, way).to(features).T @ features
        n = {"class": labels.bincount(minlength=way).to(features)[:, None], "none": 1.0,
             "all": float(len(labels)), "shots": len(labels) // way}[over]  # fmt: skip
        means = sums / n
        if order == "met":
            means = means[torch.tensor(list(dict.fromkeys(labels.tolist())))]
        if order == "blocks":
            means = features[: len(labels) // way * way].view(way, -1, features.shape[1]).mean(1)
        return means.T if transposed else means

    return prototypes


PROTOTYPE_MISTAKES = {
    "these are the sums of the classes; a prototype is the mean": _prototypes_with(over="none"),
    "each sum is divided by the number of all drawings; divide by those of its own class": (
        _prototypes_with(over="all")
    ),
    "each sum is divided by len(labels) / way, but classes may have different numbers of drawings: "
    "count each": _prototypes_with(over="shots"),
    "the classes stand in the order in which they are met; row c must be that of label c": (
        _prototypes_with(order="met")
    ),
    "the rows are cut into blocks as they stand; which drawing is of which class is what labels "
    "say": _prototypes_with(order="blocks"),
    "this is the right thing turned on its side; (way, features) was asked for": _prototypes_with(
        transposed=True
    ),
}


def check_prototypes(attempt: Callable[[Tensor, Tensor, int], Tensor]) -> Verdict:
    """`attempt(features, labels, way)`, (drawings, features) and (drawings,), -> the mean of each
    class, (way, features), row c for label c."""
    problems = []
    for seed, (way, features) in enumerate([(3, 4), (5, 2), (4, 6)]):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.cat([torch.arange(way).flip(0), torch.arange(way)[1:], torch.tensor([1, 1])])
        x = torch.randn(len(labels), features, generator=generator, dtype=torch.float64)
        problems.append((x + labels[:, None], labels, way))
    praise = "right: one mean a class, whatever the order and the number of its drawings"
    return judge(attempt, _prototypes_with(), PROTOTYPE_MISTAKES, problems, praise=praise)


# Logits from distances ---------------------------------------------------------------------------


def _nearest_with(
    *, sign: float = -1.0, squared: bool = True, mean: bool = False, dot: float | None = None,
    bias: float = 1.0, transposed: bool = False, chances: bool = False,
) -> Callable:  # fmt: skip
    """Minus the squared distances, right unless a mistake is asked for."""

    def nearest(features: Tensor, prototypes: Tensor) -> Tensor:
        apart = (features[:, None] - prototypes).square()
        far = apart.mean(-1) if mean else apart.sum(-1)
        if dot is not None:
            far = -(dot * features @ prototypes.T - bias * prototypes.square().sum(1))
        logits = sign * (far if squared else far.sqrt())
        logits = logits.softmax(-1) if chances else logits
        return logits.T if transposed else logits

    return nearest


NEAREST_MISTAKES = {
    "the sign is wrong: the farthest prototype gets the highest logit": _nearest_with(sign=+1.0),
    "this is the distance; its square was asked for (the root bends what would be a linear "
    "classifier)": _nearest_with(squared=False),
    "this is the mean over the features; a squared distance is their sum": _nearest_with(mean=True),
    "the prototypes' own lengths are missing: with 2 f·mu alone a long prototype wins everywhere": (
        _nearest_with(dot=2.0, bias=0.0)
    ),
    "nearly: the product counts twice, |f - mu|^2 = |f|^2 - 2 f·mu + |mu|^2": _nearest_with(
        dot=1.0
    ),
    "these are probabilities; logits were asked for, and softmax comes after": _nearest_with(
        chances=True
    ),
    "this is (way, queries); a row for each query was asked for": _nearest_with(transposed=True),
}


def check_nearest(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """`attempt(features, prototypes)`, (queries, features) and (way, features), -> logits,
    (queries, way): minus the squared distances, up to a number of its own for each query."""
    problems = []
    for seed, (queries, way, features) in enumerate([(6, 3, 4), (4, 5, 2), (7, 4, 3)]):
        generator = torch.Generator().manual_seed(seed)
        draw = {"generator": generator, "dtype": torch.float64}
        problems.append(
            (torch.randn(queries, features, **draw), torch.randn(way, features, **draw))
        )
    praise = "right: the nearer the prototype, the higher its logit"
    mistakes = {message: _levelled(wrong) for message, wrong in NEAREST_MISTAKES.items()}
    return judge(_levelled(attempt), _levelled(_nearest_with()), mistakes, problems, praise=praise)


def _levelled(nearest: Callable) -> Callable:
    """Logits without what is the same for all classes of a query, which softmax does not see."""

    def levelled(features: Tensor, prototypes: Tensor) -> object:
        logits = nearest(features, prototypes)
        if not isinstance(logits, Tensor) or logits.shape != (len(features), len(prototypes)):
            return logits  # the judge says what it is
        return logits - logits.mean(1, keepdim=True)

    return levelled


# Attention ---------------------------------------------------------------------------------------


def _attention_with(
    *, over: int = 1, unit: bool = True, scaled: str = "times", soft: bool = True,
    each: bool = False, weights: bool = False, logarithm: bool = False,
) -> Callable:  # fmt: skip
    """Equation 1 of matching networks, right unless a mistake is asked for."""

    def attention(query: Tensor, support: Tensor, labels: Tensor, way: int, scale: float) -> Tensor:
        a, b = (normalize(x, dim=1) if unit else x for x in (query, support))
        cosines = a @ b.T
        cosines = {"times": scale * cosines, "not": cosines, "over": cosines / scale}[scaled]
        weight = cosines.softmax(over) if soft else cosines / cosines.sum(1, keepdim=True)
        of_class = one_hot(labels, way).to(weight)
        if each:
            of_class = of_class / of_class.sum(0)
        chances = weight @ of_class
        return weight if weights else chances.log() if logarithm else chances

    return attention


ATTENTION_MISTAKES = {
    "the softmax is over the queries; each query shares its attention out among the support "
    "drawings, which are the columns": _attention_with(over=0),
    "the features are not normalised: this is the dot product, in which a long feature draws all "
    "attention; a cosine is that of vectors of length 1": _attention_with(unit=False),
    "scale is missing: the cosines go into the softmax as they are": _attention_with(scaled="not"),
    "the cosines are divided by scale, which blunts them; multiply": _attention_with(scaled="over"),
    "the cosines are divided by their sum; the attention is their softmax": _attention_with(
        soft=False
    ),
    "each class's attention is averaged over its drawings; they add up, and the classes to 1": (
        _attention_with(each=True)
    ),
    "this is the attention to each drawing; add up that of each class": _attention_with(
        weights=True
    ),
    "these are logarithms; probabilities were asked for": _attention_with(logarithm=True),
}


def check_attention(attempt: Callable[[Tensor, Tensor, Tensor, int, float], Tensor]) -> Verdict:
    """`attempt(query, support, labels, way, scale)`, (queries, features), (drawings, features) and
    (drawings,), -> each query's probabilities, (queries, way)."""
    problems = []
    for seed, (queries, way) in enumerate([(4, 3), (6, 2), (3, 4)]):
        generator = torch.Generator().manual_seed(seed)
        draw = {"generator": generator, "dtype": torch.float64}
        labels = torch.cat([torch.arange(way).flip(0), torch.tensor([1, 1])])
        support = 0.1 + 2 * torch.rand(len(labels), 3, **draw)  # as behind a ReLU
        problems.append((2 * torch.rand(queries, 3, **draw), support, labels, way, 4.0 + seed))
    praise = "right: cosines, a softmax over the support drawings, and a sum by class"
    return judge(attempt, _attention_with(), ATTENTION_MISTAKES, problems, praise=praise)
