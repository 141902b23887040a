"""The controls of `explore`: what each may be set to, checked in Python, drawn by the browser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Slider:
    """A number from `min` to `max`; only integers if min, max and step are integers.

    With `log=True` equal moves multiply by equal factors, and `step` counts powers of ten (0.05:
    twenty moves a decade). `fmt` is a format like ".3g", for the value shown beside the slider.
    """

    label: str
    min: float
    max: float
    step: float | None = None  # None: 1 for whole ends, else 1/50 of the range; log: 0.05 decades
    value: float | None = None  # None: min
    log: bool = False
    fmt: str = ".3g"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min) and math.isfinite(self.max) and self.min < self.max):
            raise ValueError(f"min and max are {self.min} and {self.max}; min must be below max")
        if self.log and self.min <= 0:
            raise ValueError(f"min is {self.min}; a log slider needs a min above 0")
        if self.step is not None and not self.step > 0:
            raise ValueError(f"step is {self.step}; it must be above 0")
        if self.step is None:
            object.__setattr__(self, "step", self._default_step())
        value = self.min if self.value is None else self.value
        object.__setattr__(self, "value", self.check("value", value))

    def _default_step(self) -> float:
        if self.log:
            return 0.05
        if isinstance(self.min, int) and isinstance(self.max, int):
            return 1
        return (self.max - self.min) / 50

    @property
    def whole(self) -> bool:
        """Whether this slider gives whole numbers."""
        return not self.log and all(isinstance(v, int) for v in (self.min, self.max, self.step))

    @property
    def ends(self) -> tuple[float, float]:
        return self.min, self.max

    def check(self, name: str, value: Any) -> float:
        """`value` as this slider gives it; ValueError when it cannot."""
        allowed = f"allowed are {'whole numbers ' if self.whole else ''}{self.min} to {self.max}"
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not self.min <= value <= self.max:
            raise ValueError(f"{name} is {value!r}; {allowed}")
        if not self.whole:
            return float(value)
        if value != int(value):
            raise ValueError(f"{name} is {value!r}; {allowed}")
        return int(value)

    def given(self, value: float) -> float:
        """What the computation receives for a checked value."""
        return value

    def as_json(self, name: str) -> dict:
        keys = ("label", "min", "max", "step", "log", "fmt", "whole")
        fields = {key: getattr(self, key) for key in keys}
        return {"kind": "slider", "name": name, **fields}


@dataclass(frozen=True)
class Choice:
    """One of several: a sequence of strings or numbers, or a dict of label -> value."""

    label: str
    options: Sequence[Any] | Mapping[str, Any]
    value: Any = None  # None: the first

    def __post_init__(self) -> None:
        options = self.options
        if not isinstance(options, Mapping):
            options = {str(option): option for option in options}
        if not options:
            raise ValueError("options is empty; a choice needs at least one")
        object.__setattr__(self, "options", dict(options))
        first = next(iter(self.options))
        value = first if self.value is None else self.check("value", self.value)
        object.__setattr__(self, "value", value)

    @property
    def ends(self) -> tuple[str, str]:
        labels = list(self.options)
        return labels[0], labels[-1]

    def check(self, name: str, value: Any) -> str:
        """The label of the option `value` (a label or what it stands for); ValueError if none."""
        if isinstance(value, str) and value in self.options:
            return value
        for label, option in self.options.items():
            if option is value or (type(option) is type(value) and option == value):
                return label
        raise ValueError(f"{name} is {value!r}; allowed are {', '.join(map(repr, self.options))}")

    def given(self, value: str) -> Any:
        return self.options[value]

    def as_json(self, name: str) -> dict:
        return {"kind": "choice", "name": name, "label": self.label, "options": list(self.options)}


@dataclass(frozen=True)
class Toggle:
    """Yes or no."""

    label: str
    value: bool = False

    def __post_init__(self) -> None:
        self.check("value", self.value)

    @property
    def ends(self) -> tuple[bool, bool]:
        return False, True

    def check(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}; allowed are True and False")
        return value

    def given(self, value: bool) -> bool:
        return value

    def as_json(self, name: str) -> dict:
        return {"kind": "toggle", "name": name, "label": self.label}


Control = Slider | Choice | Toggle
