"""Bounds for names and numbers that come from outside. A check is (name, value) -> None, or raises.

An InputError names the argument, its value (shortened where it is long) and what is allowed.
NumPy's numbers count as numbers; True and False do not.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

Check = Callable[[str, Any], None]
MAX_SIZE = 100_000  # of one layer


class InputError(ValueError):
    """What somebody gave or asked for cannot be used; one sentence says what, and what can."""


def refuse(name: str, value: object, allowed: str) -> None:
    raise InputError(f"{name} is {reprlib.repr(value)}; it must be {allowed}")


def one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


def plain(value: Any) -> Any:
    """A value as JSON holds it: NumPy's numbers become Python's, tuples become lists."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a finite real number."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def at_least(minimum: int, **named: int) -> None:
    """Raise an InputError that names the first argument which is not an integer >= minimum."""
    for name, value in named.items():
        if not is_integer(value) or value < minimum:
            refuse(name, value, f"an integer, {minimum} or more")


def integer(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> None:
        if not is_integer(value) or not low <= value <= high:
            refuse(name, value, f"an integer from {low:,} to {high:,}")

    return check


def positive(name: str, value: Any) -> None:
    if not is_number(value) or value <= 0:
        refuse(name, value, "a finite number above 0")


def not_negative(name: str, value: Any) -> None:
    if not is_number(value) or value < 0:
        refuse(name, value, "a finite number, 0 or more")


def fraction(name: str, value: Any) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        refuse(name, value, "a fraction from 0 to 1")


def flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        refuse(name, value, "True or False")


def choice(names: Iterable[str]) -> Check:
    """A check for one of several names."""

    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in names:
            refuse(name, value, one_of(names))

    return check


def sha256(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        refuse(name, value, "a SHA-256: 64 hexadecimal digits")


def interval(name: str, value: Any) -> None:
    pair = isinstance(value, Sequence) and len(value) == 2 and all(map(is_number, value))
    if not pair or value[0] > value[1]:
        refuse(name, value, "a finite (low, high)")


def layer_sizes(name: str, value: Any) -> None:
    """The units of each of up to 20 layers."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= 20:
        refuse(name, value, "a list of 1 to 20 layer sizes")
    for size in value:
        integer(1, MAX_SIZE)(f"a size in {name}", size)


def rates(name: str, value: Any) -> None:
    """Step sizes of the inner loop, in any of the forms that `maml_edu.inner.adapt` takes.

    Numbers are checked. Tensors are not: a check may not look into what is being differentiated.
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            rates(f"{name}[{key!r}]", each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for step, each in enumerate(value):
            rates(f"{name}[{step}]", each)
    elif isinstance(value, Real | str | None):
        positive(name, value)
