"""Protocols of evaluation: whose statistics batch-norm uses when it answers a query.

A protocol is not part of the model, whose parameters are the same under each, nor of the task. So
it is an argument of `predict`, and a table of results must say which one it used.
"""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from maml_edu.foundation.checks import InputError, choice
from maml_edu.foundation.types import Theta
from maml_edu.foundation.vmapped import over
from maml_edu.models.functional import Model

PROTOCOLS = {
    "transductive": "all queries together: a query's answer depends on the other queries",
    "support-only": "the support set alone, seen through the same parameters",
    "one-by-one": "the support set and the one query that is answered",
}
ALONE = (
    'one query alone, under the protocol "transductive": batch-norm then takes its statistics from '
    'this single sample, which it was not trained for; choose "support-only" for single queries'
)


def predict(
    model: Model,
    theta: Theta,
    x: Tensor,
    support_x: Tensor | None = None,
    protocol: str = "transductive",
) -> Tensor:
    """The outputs for one task's queries x, (queries, …) -> (queries, outputs).

    protocol: one of PROTOCOLS. Default: "transductive", as in the MAML paper. It needs all queries
        at once, and relies on their balance. With "support-only" the statistics in every layer are
        those of support_x under the same theta. "one-by-one" is what Nichol, Achiam & Schulman
        (2018, section 6.1) compare with the transductive; it costs a pass over the support set for
        every query.
    Adapting needs no protocol: its batch is the support set. A model without batch-norm answers the
    same under each. Raises InputError for another name, or if support_x is needed but missing.
    """
    choice(PROTOCOLS)("protocol", protocol)
    has_batch_norm = getattr(model, "has_batch_norm", False)  # a plain function has none
    if protocol == "transductive" or not has_batch_norm:
        if has_batch_norm and support_x is not None and len(tree_leaves(x)[0]) == 1:
            warnings.warn(ALONE, stacklevel=2)
        return model(theta, x)
    if support_x is None:
        raise InputError(f"protocol is {protocol!r}; it needs support_x, which was not given")
    if protocol == "support-only":
        return model(theta, x, support_x)

    def answer(query: Any) -> Any:
        beside = tree_map(lambda support, one: torch.cat([support, one[None]]), support_x, query)
        return tree_map(lambda outputs: outputs[-1], model(theta, beside))

    return over(answer, x, loop=not model.side_by_side)
