"""An LSTM as pure functions of named parameters, which `torch.nn.LSTM` is not."""

from __future__ import annotations

import torch
from torch import Tensor

from maml_edu.foundation.types import Theta


def lstm_step(theta: Theta, name: str, seen: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of the LSTM `name`: its new hidden state and cell, both of the shape of `cell`.

    Hochreiter & Schmidhuber (1997), with a forget gate and PyTorch's order of gates. theta has
    `name.weight` (4 * hidden, inputs) and `name.bias` (4 * hidden,).

    seen: (..., inputs), the input and the last hidden state, joined. cell: (..., hidden), the last.
    """
    gates = seen @ theta[f"{name}.weight"].T + theta[f"{name}.bias"]
    enter, forget, new, out = gates.chunk(4, -1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
    return out.sigmoid() * cell.tanh(), cell


def along(theta: Theta, name: str, sequence: Tensor) -> Tensor:
    """The hidden states of an LSTM along a sequence, from zeros on, with as many hidden numbers as
    features: (samples, features) -> (samples, features)."""
    hidden = cell = torch.zeros_like(sequence[0])
    states = []
    for x in sequence:
        hidden, cell = lstm_step(theta, name, torch.cat([x, hidden]), cell)
        states.append(hidden)
    return torch.stack(states)
