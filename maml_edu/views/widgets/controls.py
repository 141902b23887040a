"""The controls of `explore`: what each may be set to, checked in Python, drawn by the browser."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Control:
    """A `label`, a `value` to start with, and `check(name, value)`, which raises a ValueError.

    given: what the computation receives for a checked value. as_json: what the browser draws.
    """

    def given(self, value: Any) -> Any:
        return value

    def as_json(self, name: str) -> dict:
        return {"kind": type(self).__name__.lower(), "name": name, "label": self.label}


@dataclass(frozen=True)
class Slider(Control):
    """A number from `min` to `max`; only integers if min, max and step are integers.

    step: between two positions (default: 1 for integers, else 1/50 of the range).
    log: equal moves multiply by equal factors, and `step` counts powers of ten (default: 0.05,
        twenty moves a decade). value: where it starts (default: min).
    fmt: a format like ".3g", for the value shown beside the slider.
    """

    label: str
    min: float
    max: float
    step: float | None = None
    value: float | None = None
    log: bool = False
    fmt: str = ".3g"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min) and math.isfinite(self.max) and self.min < self.max):
            raise ValueError(f"min and max are {self.min} and {self.max}; min must be below max")
        if self.log and self.min <= 0:
            raise ValueError(f"min is {self.min}; with log it must be above 0")
        if self.step is None:
            integers = isinstance(self.min, int) and isinstance(self.max, int)
            step = 0.05 if self.log else 1 if integers else (self.max - self.min) / 50
            object.__setattr__(self, "step", step)
        if not self.step > 0:
            raise ValueError(f"step is {self.step}; it must be above 0")
        value = self.check("value", self.min if self.value is None else self.value)
        object.__setattr__(self, "value", value)

    @property
    def whole(self) -> bool:
        """Whether this slider gives integers."""
        return not self.log and all(isinstance(v, int) for v in (self.min, self.max, self.step))

    def check(self, name: str, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and self.min <= value <= self.max and (not self.whole or value == int(value)):
            return int(value) if self.whole else float(value)
        kind = "an integer" if self.whole else "a number"
        raise ValueError(f"{name} is {value!r}; it must be {kind} from {self.min} to {self.max}")

    def as_json(self, name: str) -> dict:
        keys = ("min", "max", "step", "log", "fmt", "whole")
        return super().as_json(name) | {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Choice(Control):
    """One of several options: a sequence of strings or numbers, or a dict of label -> value.

    value: the label or the value to start with (default: the first).
    """

    label: str
    options: Sequence[Any] | Mapping[str, Any]
    value: Any = None

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError("options is empty; a choice needs at least one")
        named = isinstance(self.options, Mapping)
        options = dict(self.options) if named else {str(one): one for one in self.options}
        object.__setattr__(self, "options", options)
        value = next(iter(options)) if self.value is None else self.check("value", self.value)
        object.__setattr__(self, "value", value)

    def check(self, name: str, value: Any) -> str:
        """The label of the option `value` (a label or what it stands for); ValueError if none."""
        if isinstance(value, str) and value in self.options:
            return value
        for label, option in self.options.items():
            if option is value or (type(option) is type(value) and option == value):
                return label
        raise ValueError(f"{name} is {value!r}; it must be one of {str([*self.options])[1:-1]}")

    def given(self, value: str) -> Any:
        return self.options[value]

    def as_json(self, name: str) -> dict:
        return super().as_json(name) | {"options": list(self.options)}


@dataclass(frozen=True)
class Toggle(Control):
    """Yes or no."""

    label: str
    value: bool = False

    def __post_init__(self) -> None:
        self.check("value", self.value)

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}; it must be True or False")
        return value
