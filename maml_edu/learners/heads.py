"""The head: a classifier's last linear layer, in which each class has a row.

This is the one place that knows which tensors are the head's, and what another number of classes
makes of them. Labels are dealt anew in each task of the meta-training, so no row has a part of its
own: what rows have in common is learned, and where they differ it is by chance. So every row for
another number of classes is the mean of the old ones, and all classes are equally likely before the
first inner step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from torch import Tensor

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Rate, Theta
from maml_edu.models import Model

if TYPE_CHECKING:
    from maml_edu.learners.base import Learner

L = TypeVar("L", bound="Learner")
ALPHA = "inner_lr."  # Meta-SGD's rates for the entries of a parameter: this, and its name


def head_names(model: Model, user: str) -> list[str]:
    """The names of the head's parameters. An InputError says that `user` needs a head."""
    head = getattr(model, "head", None)  # a model of the reader's own may not say
    if head is None:
        raise InputError(
            f"model has no head; {user} needs one: a linear layer at its end, or the layer that "
            "Model(build, head=...) names"
        )
    prefix = f"{head}." if head else ""
    return [name for name in model.shapes() if name.startswith(prefix)]


def linear_head(model: Model, user: str) -> tuple[str, str]:
    """The names of the head's weight (way, features) and bias (way,), for a `user` of both."""
    names = head_names(model, user)
    by_part = {name.rpartition(".")[2]: name for name in names}
    if set(by_part) != {"weight", "bias"}:
        raise InputError(f"model's head has {', '.join(names)}; {user} needs a weight and a bias")
    return by_part["weight"], by_part["bias"]


def row_names(learner: Learner) -> set[str]:
    """The names of theta's tensors with a row for each class: the head's, and Meta-SGD's rates for
    its entries. Empty for a learner without a head."""
    if getattr(learner.model, "head", None) is None:
        return set()
    names = head_names(learner.model, "it")
    return {*names, *(ALPHA + name for name in names)} & set(learner.shapes())


def average_rows(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """A tensor (classes, …) for another number of classes: every row is the mean of the rows."""
    return tensor.mean(0, keepdim=True).expand(*shape).clone()


def resize_head(learner: L, theta: Theta, model: Model) -> tuple[L, Theta]:
    """The learner with `model`, its network with another number of rows in the head, and theta to
    fit. Rows of the head, and the rates of its single entries, become means; all else stays.

    Raises InputError for a model without a head, or one that differs below the head.
    """
    for one in (learner.model, model):
        head_names(one, f"resizing the head of {type(learner).__name__}")
    if list(model.shapes()) != list(learner.model.shapes()):
        raise InputError("model is another network than the learner's: their tensors' names differ")
    rate = _resized_rate(learner.inner_lr, row_names(learner), model.shapes())
    resized = replace(learner, model=model, inner_lr=rate)
    rows, shapes = row_names(learner), resized.shapes()
    if missing := set(shapes) - set(theta):
        raise InputError(f"theta lacks {', '.join(sorted(missing))} of this learner")
    fitted = {n: average_rows(p, shapes[n]) if n in rows else p for n, p in theta.items()}
    if wrong := [name for name, shape in shapes.items() if tuple(fitted[name].shape) != shape]:
        raise InputError(f"model is another network than theta's: they differ in {wrong[0]}")
    return resized, fitted


def start_theta(learner: Learner, fresh: Theta, theta: Theta) -> Theta:
    """Where a training of `learner` begins, given a trained theta: `fresh`, as `learner.init` gave
    it, with the trained tensors of the same names. Rows of the head are means, of the trained ones
    or, without a trained head of as many features, of the fresh ones.

    Raises InputError where a tensor of the model below the head is missing in theta, or differs in
    shape: then theta is another network's.
    """
    rows, start = row_names(learner), {}
    for name, p in fresh.items():
        first = 1 if name in rows else 0  # the number of rows may differ
        trained = theta.get(name)
        fits = trained is not None and trained.shape[first:] == p.shape[first:]
        if not fits and not first and name in learner.model.shapes():
            found = "nothing" if trained is None else tuple(trained.shape)
            raise InputError(
                f"start has {found} for {name}; it must be {tuple(p.shape)}, as in this model"
            )
        start[name] = trained.to(p) if fits else p
    return {n: average_rows(p, fresh[n].shape) if n in rows else p for n, p in start.items()}


def _resized_rate(
    rate: Rate | Sequence[Rate], rows: set[str], shapes: Mapping[str, Sequence[int]]
) -> Rate | Sequence[Rate]:
    """A given inner_lr for the resized head: of rates for its single entries, means of rows."""
    if isinstance(rate, Sequence):
        return [_resized_rate(of_step, rows, shapes) for of_step in rate]
    if not isinstance(rate, Mapping):
        return rate
    by_entry = {n for n, r in rate.items() if n in rows and isinstance(r, Tensor) and r.dim()}
    return {n: average_rows(r, shapes[n]) if n in by_entry else r for n, r in rate.items()}
