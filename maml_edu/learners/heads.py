"""Another number of classes: what becomes of the head, in which each class has a row.

Labels are dealt anew in each task of the meta-training, so no row has a part of its own: what rows
have in common is learned, and where they differ it is by chance. So every row for another number of
classes is the mean of the old ones, and all classes are equally likely before the first inner step.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from torch import Tensor

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import Rates, Theta
from maml_edu.learners.base import Learner
from maml_edu.learners.metasgd import ALPHA
from maml_edu.models import Model, head_names

L = TypeVar("L", bound=Learner)
Shapes = Mapping[str, tuple[int, ...]]


def row_names(learner: Learner) -> set[str]:
    """The names of theta's tensors with a row for each class: the head's, and Meta-SGD's rates for
    its entries. Empty for a learner without a head."""
    names = head_names(learner.model)
    return {*names, *(ALPHA + name for name in names)} & set(learner.shapes())


def resize_head(learner: L, theta: Theta, model: Model) -> tuple[L, Theta]:
    """The learner with `model`, its network with another number of rows in the head, and theta to
    fit. Rows of the head, and the rates of its single entries, become means; all else stays.

    Raises InputError for a model without a head, or one that differs below the head.
    """
    for one in (learner.model, model):
        head_names(one, f"resizing the head of {type(learner).__name__}")
    if list(model.shapes()) != list(learner.model.shapes()):
        raise InputError("model is another network than the learner's: their tensors' names differ")
    rows = row_names(learner)
    rate = _resized_rate(learner.inner_lr, rows, model.shapes())
    resized = replace(learner, model=model, inner_lr=rate)
    shapes = resized.shapes()
    if missing := set(shapes) - set(theta):
        raise InputError(f"theta lacks {', '.join(sorted(missing))} of this learner")
    fitted = _average_rows(theta, rows, shapes)
    if wrong := [name for name, shape in shapes.items() if fitted[name].shape != shape]:
        raise InputError(f"model is another network than theta's: they differ in {wrong[0]}")
    return resized, fitted


def start_theta(learner: Learner, fresh: Theta, theta: Theta) -> Theta:
    """Where a training of `learner` begins, given a trained theta: `fresh`, as `learner.init` gave
    it, with the trained tensors of the same names. Rows of the head are means, of the trained ones
    or, without a trained head of as many features, of the fresh ones.

    Raises InputError where a tensor of the model below the head is missing in theta, or differs in
    shape: then theta is another network's.
    """
    rows, start = row_names(learner), dict(fresh)
    for name, p in fresh.items():
        first = 1 if name in rows else 0  # the number of rows may differ
        trained = theta.get(name)
        if trained is not None and trained.shape[first:] == p.shape[first:]:
            start[name] = trained.detach().to(p).clone()
        elif name not in rows and name in learner.model.shapes():
            found = "nothing" if trained is None else tuple(trained.shape)
            raise InputError(
                f"start has {found} for {name}; it must be {tuple(p.shape)}, as in this model"
            )
    return _average_rows(start, rows, learner.shapes())


def _average_rows(tensors: Mapping, rows: Collection[str], shapes: Shapes) -> dict:
    """The tensors (or numbers), each of those in `rows` with the mean of its rows for every row."""
    return {
        name: p.mean(0, keepdim=True).expand(shapes[name]).clone()
        if name in rows and isinstance(p, Tensor) and p.dim()
        else p
        for name, p in tensors.items()
    }


def _resized_rate(rate: Rates, rows: Collection[str], shapes: Shapes) -> Rates:
    """inner_lr for the resized head: the rates of its single entries become means of rows."""
    if isinstance(rate, Sequence):
        return [_resized_rate(of_step, rows, shapes) for of_step in rate]
    return _average_rows(rate, rows, shapes) if isinstance(rate, Mapping) else rate
