"""Algorithms that learn to learn, one a file, all with the interface of `Learner`.

LEARNERS names them, without loading any: a line here is all that registers one.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maml_edu.foundation.checks import Check, choice, flag, integer, positive

if TYPE_CHECKING:
    from maml_edu.learners.base import Learner

PROTOCOLS = ("transductive", "support-only", "one-by-one")  # models.PROTOCOLS, without torch
BOTH = ("sinusoid", "omniglot")


@dataclass(frozen=True)
class Kind:
    """Where a learner is, and which of its fields a recipe has to give and may give.

    where: its class, "module.Class" in this package. families: the kinds of tasks it is for.
    """

    where: str
    needs: Mapping[str, Check] = field(default_factory=dict)
    takes: Mapping[str, Check] = field(default_factory=dict)
    families: tuple[str, ...] = BOTH
    inner_steps: int = 1  # unless a recipe says otherwise
    headless: bool = False  # it takes a model without a head, and is told the ways
    body_rests: bool = False  # no inner step of training moves more than the head


STEPS: dict[str, Check] = {"inner_lr": positive, "inner_steps": integer(0, 100)}
ORDER: dict[str, Check] = {**STEPS, "first_order": flag}
NORM: dict[str, Check] = {"protocol": choice(PROTOCOLS)}
HEAD: dict[str, Check] = {**NORM, "head_lr": positive}  # the head may have a rate of its own
LESS: dict[str, Check] = {**NORM, "checkpointing": flag}  # less memory
RATES: dict[str, Check] = {**LESS, "learned_rates": flag, "per_step_losses": flag}
CONTEXT: dict[str, Check] = {**NORM, "fce": flag, "fce_steps": integer(1, 20)}
IMPLICIT: dict[str, Check] = {**HEAD, "strength": positive, "cg_steps": integer(1, 100)}
METRIC: dict[str, Any] = {"families": ("omniglot",), "headless": True, "body_rests": True}

LEARNERS = {
    "maml": Kind("maml.MAML", ORDER, {**RATES, **HEAD}),
    "fomaml": Kind("fomaml.FOMAML", STEPS, {**RATES, **HEAD}),
    "reptile": Kind("reptile.Reptile", STEPS, HEAD, inner_steps=5),
    "anil": Kind("anil.ANIL", ORDER, RATES, body_rests=True),
    "meta-sgd": Kind("metasgd.MetaSGD", STEPS, {**LESS, **HEAD}),
    "maml++": Kind("mamlplusplus.MAMLPlusPlus", STEPS, {**LESS, **HEAD}, inner_steps=5),
    "imaml": Kind("imaml.IMAML", STEPS, IMPLICIT, inner_steps=16),
    "joint": Kind("joint.Joint", STEPS, body_rests=True),
    "pretrain": Kind("pretrain.Pretrain", STEPS, HEAD, ("omniglot",), body_rests=True),
    "protonet": Kind("protonet.ProtoNet", {}, NORM, **METRIC),
    "matching": Kind("matching.MatchingNet", {}, CONTEXT, **METRIC),
    "protomaml": Kind("protomaml.ProtoMAML", ORDER, {**RATES, **HEAD}, ("omniglot",)),
}


def learner_class(name: str) -> type[Learner]:
    """The learner of that name, or a ValueError that lists the names."""
    if name not in LEARNERS:
        raise ValueError(f"learner is {name!r}; it must be one of {', '.join(sorted(LEARNERS))}")
    module, _, cls = LEARNERS[name].where.partition(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), cls)


_CLASSES = {kind.where.partition(".")[2]: name for name, kind in LEARNERS.items()}


def __getattr__(name: str):
    if name == "Learner":
        return importlib.import_module(f"{__name__}.base").Learner
    if name in _CLASSES:
        return learner_class(_CLASSES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_CLASSES])
