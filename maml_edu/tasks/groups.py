"""Samples in named groups, and how they are split: what all tasks from a reader's data rest on."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maml_edu.foundation.checks import InputError, at_least, choice, one_of
from maml_edu.foundation.randomness import device_of

SPLITS = {"train": 0.6, "validation": 0.2, "test": 0.2}  # shares of the groups, by default
Split = Mapping[str, Sequence[Any]]


def as_samples(name: str, values: Any) -> Tensor:
    """A tensor (samples, …), as networks take it, from an array.

    uint8 counts as pictures and stays so (`as_inputs` makes 0 to 1 of it); other whole numbers
    become int64, as for embeddings; all else float32. Raises InputError for what is no array of
    finite numbers.
    """
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.dtype.kind not in "uifb":
        raise InputError(f"{name} is an array of {array.dtype}; it must hold numbers, (samples, …)")
    if array.ndim == 0 or not len(array):
        raise InputError(f"{name} has the shape {array.shape}; it must be (samples, …)")
    if array.dtype != np.uint8:
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
    if array.dtype.kind == "f" and not (fine := np.isfinite(array)).all():
        row = np.argwhere(~fine)[0][0]
        raise InputError(f"{name} has a value in row {row} that is not a finite number")
    return torch.from_numpy(np.ascontiguousarray(array))


def as_inputs(x: Tensor) -> Tensor:
    """Samples as a network takes them: pictures in uint8 become 0 to 1."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x


def groups_of(name: str, keys: Any, count: int) -> tuple[tuple[str, ...], list[Tensor]]:
    """The groups' names, sorted, and the rows of each. keys: the group of each row, (count,)."""
    array = keys.detach().cpu().numpy() if isinstance(keys, Tensor) else np.asarray(keys)
    if array.shape != (count,):
        raise InputError(f"{name} has the shape {array.shape}; it must be ({count},), one a sample")
    if array.dtype.kind == "f":
        if (array != np.round(array)).any():
            raise InputError(f"{name} holds fractions; it must name a group for each sample")
        array = array.astype(np.int64)
    array = array.astype(str)
    if (empty := np.flatnonzero((array == "") | (array == "None") | (array == "nan"))).size:
        raise InputError(f"{name} is missing in row {empty[0] + 1}")
    names, which = np.unique(array, return_inverse=True)
    rows = [torch.from_numpy(np.flatnonzero(which == i)) for i in range(len(names))]
    return tuple(map(str, names)), rows


class Groups:
    """Groups of samples by name, each in one split only.

    rows: of each group, the indices of its samples. kind: what a group is, in errors.
    split: split -> names of its groups. Default: at random, 60, 20 and 20 of 100 groups for
        "train", "validation" and "test", by the SHA-256 of their names: the same everywhere.
    fewest: groups with fewer samples are left out; `left_out` has their names. Default: 2.
    """

    def __init__(
        self,
        names: Sequence[str],
        rows: Sequence[Tensor],
        split: Split | None,
        fewest: int,
        kind: str,
    ):
        at_least(1, fewest=fewest)
        self.kind, self.left_out = (
            kind,
            tuple(name for name, its in zip(names, rows, strict=True) if len(its) < fewest),
        )
        kept = {n: its for n, its in zip(names, rows, strict=True) if n not in self.left_out}
        if not kept:
            raise InputError(f"no {kind} has {fewest} samples or more; there are {len(names)}")
        self.rows = kept
        self.split = _dealt(tuple(kept)) if split is None else self._checked(split)

    def of(self, split: str) -> tuple[str, ...]:
        """The names of the groups in one split."""
        choice(self.split)("split", split)
        return self.split[split]

    def drawable(self, names: Sequence[str], needed: int) -> None:
        """Raise an InputError that names the first of these groups with too few samples."""
        for name in names:
            if (have := len(self.rows[name])) < needed:
                raise InputError(
                    f"shots + queries is {needed}; {self.kind} {name!r} has {have} samples: ask "
                    f"for fewer, or leave such out with fewest={needed}"
                )

    def _checked(self, split: Split) -> dict[str, tuple[str, ...]]:
        where: dict[str, str] = {}
        for part, names in split.items():
            for name in map(str, names):
                if name not in self.rows and name not in self.left_out:
                    known = one_of(sorted(self.rows)[:8])
                    raise InputError(f"split {part!r} names {name!r}; a {self.kind} is {known}, …")
                if name in where:
                    raise InputError(
                        f"{self.kind} {name!r} is in the splits {where[name]!r} and {part!r}; in "
                        "two, what is trained on would be measured"
                    )
                where[name] = part
        kept = {
            part: tuple(n for n in map(str, of) if n in self.rows) for part, of in split.items()
        }
        if empty := [part for part, of in kept.items() if not of]:
            raise InputError(f"split {empty[0]!r} is empty: it has no {self.kind}")
        return kept


def _dealt(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    order = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    split, begin, share = {}, 0, 0.0
    for part, its in SPLITS.items():
        share += its
        end = round(len(order) * share)
        split[part] = tuple(sorted(order[begin:end]))
        begin = end
    return split


def draw_rows(rows: Sequence[Tensor], count: int, generator: torch.Generator | None) -> Tensor:
    """`count` different rows of each group, in random order: (groups, count)."""
    drawn_on = device_of(generator)

    def some(its: Tensor) -> Tensor:
        order = torch.rand(len(its), generator=generator, device=drawn_on).topk(count).indices
        return its[order.to(its.device)]

    return torch.stack([some(its) for its in rows])
