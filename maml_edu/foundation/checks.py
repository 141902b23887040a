"""Checks of names and numbers that come from outside: a check is (name, value) -> None.

It raises a ValueError that names the argument, its value (shortened) and what is allowed. NumPy's
numbers count as numbers; booleans, arrays and tensors do not.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any

Check = Callable[[str, Any], None]
MAX_PARAMETERS = 10_000_000


def refuse(name: str, value: object, allowed: str) -> None:
    raise ValueError(f"{name} is {reprlib.repr(value)}; it must be {allowed}")


def plain(value: Any) -> Any:
    """A value as JSON holds it: NumPy's numbers become Python's, tuples become lists."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def integer(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> None:
        if not _is_integer(value) or not low <= value <= high:
            refuse(name, value, f"an integer from {low:,} to {high:,}")

    return check


def at_least(minimum: int, **named: int) -> None:
    """Raise a ValueError that names the first argument which is not an integer >= minimum."""
    for name, value in named.items():
        if not _is_integer(value) or value < minimum:
            refuse(name, value, f"an integer, {minimum} or more")


def positive(name: str, value: Any) -> None:
    if not _is_number(value) or value <= 0:
        refuse(name, value, "a finite number above 0")


def not_negative(name: str, value: Any) -> None:
    if not _is_number(value) or value < 0:
        refuse(name, value, "a finite number, 0 or more")


def fraction(name: str, value: Any) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        refuse(name, value, "a fraction from 0 to 1")


def flag(name: str, value: Any) -> None:
    if type(value) is not bool:
        refuse(name, value, "true or false")


def choice(names: Iterable[str]) -> Check:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in names:
            refuse(name, value, one_of(names))

    return check


def sha256(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        refuse(name, value, "a SHA-256: 64 hexadecimal digits")


def interval(name: str, value: Any) -> None:
    numbers = isinstance(value, list) and len(value) == 2 and all(_is_number(v) for v in value)
    if not numbers or value[0] > value[1]:
        refuse(name, value, "a finite [low, high]")


def layer_sizes(name: str, value: Any) -> None:
    if not isinstance(value, list) or not 2 <= len(value) <= 20:
        refuse(name, value, "a list of 2 to 20 layer sizes")
    for size in value:
        integer(1, 100_000)(f"a size in {name}", size)
    if sum((i + 1) * o for i, o in zip(value, value[1:], strict=False)) > MAX_PARAMETERS:
        refuse(name, value, f"a network of at most {MAX_PARAMETERS:,} parameters")


def one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


def check_all(
    part: str, given: Any, checks: Mapping[str, Check], optional: Mapping[str, Check] | None = None
) -> None:
    """Check every value of an object, which has all keys of `checks` and any of `optional`."""
    if not isinstance(given, dict):
        refuse(part, given, "an object")
    optional = optional or {}
    if not set(checks) <= set(given) <= {*checks, *optional}:
        keys = reprlib.repr(sorted(given))
        more = f", and may have {', '.join(optional)}" if optional else ""
        raise ValueError(
            f"{part} has the keys {keys}; it must have exactly {', '.join(checks)}{more}"
        )
    for name, value in given.items():
        {**checks, **optional}[name](name, value)
