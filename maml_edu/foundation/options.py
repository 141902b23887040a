"""Options: a field of a dataclass with its bounds and a line of help, written once.

Constructors check them, JSON holds them, and the command line's flags are made from them: see
`maml_edu.runs.config` and `maml_edu.runs.cli`.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any

from maml_edu.foundation.checks import InputError, one_of, refuse

Options = Mapping[str, "Option"]


@dataclass(frozen=True)
class Option:
    """One option: its default, a check that raises InputError, and a line of help."""

    default: Any
    check: Callable[[str, Any], None]
    help: str

    def allows(self, name: str, value: Any) -> None:
        """Raise an InputError where the value is out of bounds; None may be a default."""
        if value is not None or self.default is not None:
            self.check(name, value)


def option(
    default: Any, check: Callable[[str, Any], None], help: str, *, kw_only: bool = False
) -> Any:
    """A dataclass field that is an option; MISSING as default makes it required."""
    told = {"option": Option(default, check, help)}
    return field(default=default, kw_only=kw_only, metadata=told)


def options_of(cls: type) -> dict[str, Option]:
    """The options of a dataclass by name, inherited ones included.

    A subclass may give an option another default, `inner_steps: int = 5`, or take it away:
    `first_order: bool = field(default=True, init=False)`.
    """
    bases = [getattr(base, "__dataclass_fields__", {}) for base in reversed(cls.__mro__)]
    told = [each for base in bases for each in base.values() if "option" in each.metadata]
    known = {each.name: each.metadata["option"] for each in told}
    kept = [each for each in fields(cls) if each.init and each.name in known]
    return {each.name: replace(known[each.name], default=each.default) for each in kept}


def check_options(instance: Any) -> None:
    """Raise an InputError that names the first option of a dataclass that is out of its bounds."""
    for name, each in options_of(type(instance)).items():
        each.allows(name, getattr(instance, name))


def filled(what: str, given: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """All options of something called `what`: those given, checked, and the others' defaults."""
    if not isinstance(given, Mapping):
        refuse(what, given, "an object")
    if unknown := sorted(set(given) - set(options)):
        refuse(f"an option of {what}", unknown[0], one_of(options or ["none"]))
    values = {}
    for name, each in options.items():
        if name not in given and each.default is MISSING:
            raise InputError(f"{what} lacks {name}: {each.help}")
        values[name] = given.get(name, each.default)
        each.allows(name, values[name])
    return values
