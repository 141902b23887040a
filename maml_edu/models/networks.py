"""The networks that a config can name. A line here registers one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maml_edu.foundation.checks import choice, integer, layer_sizes
from maml_edu.foundation.options import Option, Options
from maml_edu.models.functional import Model
from maml_edu.models.mlp import mlp
from maml_edu.models.omniglot import PRECISIONS, conv4, dense4


@dataclass(frozen=True)
class Network:
    """build: (inputs, outputs, **options) -> a Model; outputs None: without a head."""

    build: Callable[..., Model]
    options: Options


def _hidden(*sizes: int) -> Option:
    return Option(sizes, layer_sizes, "units of each hidden layer")


NETWORKS = {
    "mlp": Network(
        lambda inputs, outputs, hidden: mlp(inputs, *hidden, outputs), {"hidden": _hidden(40, 40)}
    ),
    "conv4": Network(
        lambda inputs, outputs, **options: conv4(outputs, **options),
        {
            "channels": Option(64, integer(1, 4096), "channels of each convolution"),
            "precision": Option(
                "float32", choice(PRECISIONS),
                "of training; bfloat16 is faster, where no inner step moves the convolutions",
            ),
        },
    ),
    "dense4": Network(
        lambda inputs, outputs, hidden: dense4(outputs, features=inputs, hidden=hidden),
        {"hidden": _hidden(256, 128, 64, 64)},
    ),
}  # fmt: skip
