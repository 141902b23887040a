"""Options: a field of a dataclass with its bounds and a line of help, written once.

Constructors check them, JSON holds them, and the command line's flags are made from them: see
`maml_edu.runs.config` and `maml_edu.runs.cli`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from maml_edu.foundation.checks import Check, InputError, refuse

Options = Mapping[str, "Option"]


@dataclass(frozen=True)
class Option:
    """What may be chosen: the default, a check that raises InputError, and what it is.

    kind: the type of a value (default: that of `default`); a list of numbers has that of one.
    choices: the names that it may be one of, where it is a name.
    """

    default: Any
    check: Check
    help: str
    kind: type | None = None
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> type:
        return self.kind or type(self.default)


def option(default: Any, check: Check, help: str, *, kw_only: bool = False, **more: Any) -> Any:
    """A dataclass field that is an option; MISSING as default makes it required."""
    return field(
        default=default, kw_only=kw_only, metadata={"option": Option(default, check, help, **more)}
    )


def options_of(cls: type) -> dict[str, Option]:
    """The options of a dataclass by name, inherited ones included.

    A subclass may give an option another default, `inner_steps: int = 5`, or take it away:
    `first_order: bool = field(default=True, init=False)`.
    """
    found = {}
    for each in fields(cls):
        declared = [
            base.__dataclass_fields__[each.name].metadata.get("option")
            for base in cls.__mro__
            if each.name in getattr(base, "__dataclass_fields__", {})
        ]
        if each.init and any(declared):
            known = next(o for o in declared if o)
            found[each.name] = replace(known, default=each.default)
    return found


def check_options(instance: Any) -> None:
    """Raise an InputError that names the first option of a dataclass that is out of its bounds."""
    for name, each in options_of(type(instance)).items():
        value = getattr(instance, name)
        if value is not None or each.default is not None:
            each.check(name, value)


def filled(what: str, given: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """All options of something called `what`: those given, checked, and the others' defaults."""
    if unknown := sorted(set(given) - set(options)):
        refuse(f"an option of {what}", unknown[0], f"one of {', '.join(options) or 'none'}")
    values = {}
    for name, each in options.items():
        if name not in given and each.default is MISSING:
            raise InputError(f"{what} lacks {name}: {each.help}")
        values[name] = given.get(name, each.default)
        if values[name] is not None or each.default is not None:
            each.check(name, values[name])
    return values
