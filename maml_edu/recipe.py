"""What a run is made of, as plain names and numbers that JSON can hold.

A recipe comes from the command line or out of a file that somebody sent, so nothing in it is
believed: every name stands in a table below, every number has bounds, and building from it can
reach nothing else. No torch is needed before it is built.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maml_edu.learners import Learner
    from maml_edu.models import Model
    from maml_edu.tasks import TaskSource

Check = Callable[[str, Any], None]
MAX_PARAMETERS = 10_000_000
MAX_POINTS = 10_000_000  # in one batch of tasks


def _refuse(name: str, value: object, allowed: str) -> None:
    raise ValueError(f"{name} is {reprlib.repr(value)}; it must be {allowed}")


def _whole(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> None:
        if type(value) is not int or not low <= value <= high:
            _refuse(name, value, f"a whole number from {low:,} to {high:,}")

    return check


def _number(name: str, value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _above_0(name: str, value: Any) -> None:
    if not _number(name, value) or value <= 0:
        _refuse(name, value, "a finite number above 0")


def _not_below_0(name: str, value: Any) -> None:
    if not _number(name, value) or value < 0:
        _refuse(name, value, "a finite number, 0 or more")


def _flag(name: str, value: Any) -> None:
    if type(value) is not bool:
        _refuse(name, value, "true or false")


def _range(name: str, value: Any) -> None:
    numbers = isinstance(value, list) and len(value) == 2 and all(_number(name, v) for v in value)
    if not numbers or value[0] > value[1]:
        _refuse(name, value, "a finite [low, high]")


def _sizes(name: str, value: Any) -> None:
    if not isinstance(value, list) or not 2 <= len(value) <= 20:
        _refuse(name, value, "a list of 2 to 20 layer sizes")
    for size in value:
        _whole(1, 100_000)(f"a size in {name}", size)
    if sum((i + 1) * o for i, o in zip(value, value[1:], strict=False)) > MAX_PARAMETERS:
        _refuse(name, value, f"a network of at most {MAX_PARAMETERS:,} parameters")


INNER: dict[str, Check] = {"inner_lr": _above_0, "inner_steps": _whole(0, 1000)}
WAVES: dict[str, Check] = {name: _range for name in ("amplitude", "phase", "x_range")}
KINDS: dict[str, dict[str, dict[str, Check]]] = {
    "learner": {"maml": {**INNER, "first_order": _flag}, "joint": INNER},
    "model": {"mlp": {"sizes": _sizes}},
    "tasks": {"sinusoid": {**WAVES, "noise": _not_below_0, "reveal_task": _flag}},
}
TRAINING: dict[str, Check] = {
    "steps": _whole(0, 100_000_000),
    "meta_batch": _whole(1, 1_000_000),
    "shots": _whole(1, 1_000_000),
    "queries": _whole(1, 1_000_000),
    "meta_lr": _above_0,
    "seed": _whole(0, 2**63 - 1),
    "replay": _flag,
}
SINE = {"steps": 15_000, "meta_batch": 25, "shots": 10, "queries": 20, "meta_lr": 1e-2, "seed": 0}
SINE_LEARNERS = ("maml", "joint", "oracle")


@dataclass(frozen=True)
class Recipe:
    """A learner, its model, where its tasks come from, and how it is trained.

    Each part is a dict as JSON holds it, the first three with a "name". Raises a ValueError that
    names what is wrong: an unknown name, a missing or unknown key, a value out of its bounds.
    """

    learner: dict[str, Any]
    model: dict[str, Any]
    tasks: dict[str, Any]
    training: dict[str, Any]

    def __post_init__(self):
        for part, kinds in KINDS.items():
            given = getattr(self, part)
            if not isinstance(given, dict):
                _refuse(part, given, "an object with a name")
            name = given.get("name")
            if not isinstance(name, str) or name not in kinds:
                _refuse(f"{part} name" if part != "learner" else part, name, _one_of(kinds))
            _check(part, {k: v for k, v in given.items() if k != "name"}, kinds[name])
        _check("training", self.training, TRAINING)
        points = self.training["meta_batch"] * (self.training["shots"] + self.training["queries"])
        if points > MAX_POINTS:
            raise ValueError(
                f"meta_batch x (shots + queries) is {points:,}; it must be at most {MAX_POINTS:,}"
            )
        features = 3 if self.tasks["reveal_task"] else 1
        if self.model["sizes"][0] != features or self.model["sizes"][-1] != 1:
            allowed = f"from {features} (the tasks' features) to 1 output"
            _refuse("sizes", self.model["sizes"], allowed)

    @classmethod
    def from_json(cls, given: Any) -> Recipe:
        """From what `as_json` gave, or from anything that claims to be that."""
        parts = ("learner", "model", "tasks", "training")
        if not isinstance(given, dict) or set(given) != set(parts):
            _refuse("config", given, f"an object with {', '.join(parts)}")
        return cls(**given)

    def as_json(self) -> dict[str, dict[str, Any]]:
        return {part: dict(getattr(self, part)) for part in (*KINDS, "training")}

    @property
    def title(self) -> str:
        """What to call it: "maml", "joint", or "oracle", which is joint training told the task."""
        return "oracle" if self.tasks["reveal_task"] else self.learner["name"]

    def make_model(self) -> Model:
        from maml_edu.models import mlp

        return mlp(*self.model["sizes"])

    def make_learner(self) -> Learner:
        from maml_edu.learners import learner_class

        options = {key: value for key, value in self.learner.items() if key != "name"}
        return learner_class(self.learner["name"])(self.make_model(), **options)

    def make_tasks(self) -> TaskSource:
        from maml_edu.tasks import SinusoidTasks

        options = {key: value for key, value in self.tasks.items() if key != "name"}
        return SinusoidTasks(**{k: tuple(v) if k in WAVES else v for k, v in options.items()})

    def difference(self, other: Recipe) -> str | None:
        """The first setting that differs, such as "steps is 50 there and 100 here", or None."""
        for part, here in self.as_json().items():
            there = getattr(other, part)
            for key in sorted({*here, *there}):
                if here.get(key) != there.get(key):
                    label = part if key == "name" else key
                    return f"{label} is {there.get(key)} there and {here.get(key)} here"
        return None


def sine_recipe(
    learner: str = "maml",
    *,
    inner_lr: float = 0.01,
    inner_steps: int = 1,
    first_order: bool = False,
    replay: bool = True,
    **training: Any,
) -> Recipe:
    """The paper's sine waves (Finn et al. 2017, section 5.1), for one of SINE_LEARNERS.

    training: `steps`, `meta_batch`, `shots`, `queries`, `meta_lr`, `seed`; SINE has the defaults.
    The oracle is told each task's amplitude and phase as inputs, and does not adapt.
    """
    if learner not in SINE_LEARNERS:
        _refuse("learner", learner, _one_of(SINE_LEARNERS))
    oracle = learner == "oracle"
    how = {"inner_lr": inner_lr, "inner_steps": 0 if oracle else inner_steps}
    if learner == "maml":
        how["first_order"] = first_order
    elif first_order:
        raise ValueError(f"first_order is for the learner maml; {learner} has no inner gradient")
    return Recipe(
        learner={"name": "joint" if oracle else learner, **how},
        model={"name": "mlp", "sizes": [3 if oracle else 1, 40, 40, 1]},
        tasks={
            "name": "sinusoid",
            "amplitude": [0.1, 5.0],
            "phase": [0.0, math.pi],
            "x_range": [-5.0, 5.0],
            "noise": 0.0,
            "reveal_task": oracle,
        },
        training={**SINE, "replay": replay, **training},
    )


def _one_of(names) -> str:
    return f"one of {', '.join(names)}"


def _check(part: str, given: Any, checks: Mapping[str, Check]) -> None:
    if not isinstance(given, dict) or set(given) != set(checks):
        missing = sorted(set(checks) - set(given)) if isinstance(given, dict) else given
        raise ValueError(
            f"{part} has the keys {reprlib.repr(sorted(map(str, given)))}; "
            f"it must have exactly {', '.join(checks)}"
            if isinstance(given, dict)
            else f"{part} is {reprlib.repr(missing)}; it must be an object"
        )
    for name, check in checks.items():
        check(name, given[name])
