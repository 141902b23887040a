"""Bounds for names and numbers that came from outside: a check is (name, value) -> None, or raises.

A ValueError names what is wrong, the value (cut short where it is long) and what is allowed.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Check = Callable[[str, Any], None]
MAX_PARAMETERS = 10_000_000


def refuse(name: str, value: object, allowed: str) -> None:
    raise ValueError(f"{name} is {reprlib.repr(value)}; it must be {allowed}")


def whole(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            refuse(name, value, f"a whole number from {low:,} to {high:,}")

    return check


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300  # which nan is not


def positive(name: str, value: Any) -> None:
    if not _number(value) or value <= 0:
        refuse(name, value, "a finite number above 0")


def not_negative(name: str, value: Any) -> None:
    if not _number(value) or value < 0:
        refuse(name, value, "a finite number, 0 or more")


def share(name: str, value: Any) -> None:
    if not _number(value) or not 0 <= value <= 1:
        refuse(name, value, "a share from 0 to 1")


def flag(name: str, value: Any) -> None:
    if type(value) is not bool:
        refuse(name, value, "true or false")


def name_from(names: Iterable[str]) -> Check:
    def check(name: str, value: Any) -> None:
        if not isinstance(value, str) or value not in names:
            refuse(name, value, one_of(names))

    return check


def sha256(name: str, value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        refuse(name, value, "a SHA-256: 64 hexadecimal digits")


def interval(name: str, value: Any) -> None:
    numbers = isinstance(value, list) and len(value) == 2 and all(_number(v) for v in value)
    if not numbers or value[0] > value[1]:
        refuse(name, value, "a finite [low, high]")


def layer_sizes(name: str, value: Any) -> None:
    if not isinstance(value, list) or not 2 <= len(value) <= 20:
        refuse(name, value, "a list of 2 to 20 layer sizes")
    for size in value:
        whole(1, 100_000)(f"a size in {name}", size)
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


def at_least(minimum: int, **named: int) -> None:
    """Raise a ValueError that names the first argument which is not a whole number >= minimum."""
    for name, value in named.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise ValueError(f"{name} is {value!r}; it must be a whole number, {minimum} or more")
