"""Whose statistics batch-norm uses when a query is answered: a setting of how one evaluates.

It is not a part of the model, whose parameters are the same under each, nor of the task. So it
is an argument where answers are asked for, and a table of results has to say which one it used.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.foundation.checks import InputError, choice
from maml_edu.foundation.types import Theta
from maml_edu.models.functional import Model

PROTOCOLS = {
    "transductive": "all queries together: a query's answer depends on the other queries",
    "support-only": "the support set alone, seen through the same parameters",
    "one-by-one": "the support set and the one query that is answered",
}


def predict(
    model: Model,
    theta: Theta,
    x: Tensor,
    support_x: Tensor | None = None,
    protocol: str = "transductive",
) -> Tensor:
    """The outputs for one task's queries x, (queries, …) -> (queries, outputs).

    protocol, one of PROTOCOLS:
        "transductive": batch-norm's statistics are those of x. This is what the MAML paper does,
            and so are its figures; it needs the queries all at once, and leans on their balance.
        "support-only": in every layer the statistics are those of support_x under the same theta,
            so queries are answered independently, and cheaply.
        "one-by-one": the batch is support_x and a single query, for each query anew. So Nichol,
            Achiam & Schulman (2018, section 6.1) tell it from the transductive; it costs a
            pass over the support set for every query.
    While adapting there is nothing to choose: the support set is the batch, and has its own.
    A model without batch-norm answers the same under each. Raises an InputError for another name,
    or where support_x is needed and missing.
    """
    choice(PROTOCOLS)("protocol", protocol)
    if protocol == "transductive" or not model.has_batch_norm:
        return model(theta, x)
    if support_x is None:
        raise InputError(f"protocol is {protocol!r}; it needs support_x, which was not given")
    if protocol == "support-only":
        return model(theta, x, support_x)
    return vmap(lambda query: model(theta, torch.cat([support_x, query[None]]))[-1])(x)
