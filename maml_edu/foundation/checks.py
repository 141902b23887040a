"""Bounds for names and numbers that come from outside. A check is (name, value) -> None, or raises.

An InputError names the argument, its value (shortened where it is long) and what is allowed.
NumPy's numbers count as numbers; True and False do not.
"""

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any


class InputError(ValueError):
    """An argument or a request that cannot be used; the message says why, and what can."""


def refuse(name: str, value: object, allowed: str) -> None:
    raise InputError(f"{name} is {reprlib.repr(value)}; it must be {allowed}")


def one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


def plain(value: Any) -> Any:
    """A value as JSON holds it: NumPy's numbers become Python's, tuples become lists."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, Real) and hasattr(value, "item") else value


def is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a real number, finite in float32 too."""
    return isinstance(value, Real) and not isinstance(value, bool) and abs(value) < 1e38


def at_least(minimum: int, **named: int) -> None:
    """Raise an InputError that names the first argument which is not an integer >= minimum."""
    for name, value in named.items():
        if not is_integer(value) or value < minimum:
            refuse(name, value, f"an integer, {minimum} or more")


@dataclass(frozen=True)
class Check:
    """`check(name, value)` raises an InputError unless the value is within bounds.

    allowed: the bounds, in words. kind: the type of the value, or of the numbers in a list.
    names: those that may be chosen, where the value is a name.
    """

    allowed: str
    within: Callable[[Any], bool]
    kind: type
    names: tuple[str, ...] = ()

    def __call__(self, name: str, value: Any) -> None:
        if not self.within(value):
            refuse(name, value, self.allowed)


def integer(low: int, high: int) -> Check:
    allowed = f"an integer from {low:,} to {high:,}"
    return Check(allowed, lambda value: is_integer(value) and low <= value <= high, int)


def choice(names: Iterable[str]) -> Check:
    """One of several names."""
    names = tuple(names)
    return Check(one_of(names), lambda value: isinstance(value, str) and value in names, str, names)


def _number(allowed: str, within: Callable[[Real], bool]) -> Check:
    return Check(allowed, lambda value: is_number(value) and within(value), float)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


positive = _number("a finite number above 0", lambda value: value > 0)
not_negative = _number("a finite number, 0 or more", lambda value: value >= 0)
fraction = _number("a fraction from 0 to 1", lambda value: 0 <= value <= 1)
flag = Check("True or False", lambda value: isinstance(value, bool), bool)
interval = Check(
    "a finite (low, high)",
    lambda v: _is_list(v) and len(v) == 2 and all(map(is_number, v)) and v[0] <= v[1],
    float,
)
layer_sizes = Check(
    "a list of 1 to 20 layer sizes, each from 1 to 100,000",
    lambda v: _is_list(v) and 1 <= len(v) <= 20 and all(map(integer(1, 100_000).within, v)),
    int,
)


def rates(name: str, value: Any) -> None:
    """Step sizes of the inner loop, in any of the forms that `maml_edu.inner.adapt` takes.

    Numbers are checked (0 is allowed: nothing moves). Tensors are not, because they may be part of
    what is being differentiated, where their values cannot be read.
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            rates(f"{name}[{key!r}]", each)
    elif _is_list(value):
        for step, each in enumerate(value):
            rates(f"{name}[{step}]", each)
    elif isinstance(value, Real | str | None):
        not_negative(name, value)
