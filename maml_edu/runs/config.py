"""What a run is made of: a learner, its network, its tasks, and how the outer loop trains it.

A config comes from the command line or out of a file. Every option has a name, bounds and a
default, written once, where it is used: at a learner's own field, say. Flags, JSON and the
constructors' checks all come from there (see `maml_edu.foundation.options`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from maml_edu.foundation.checks import InputError, choice, one_of, plain, refuse
from maml_edu.foundation.options import Options, filled, options_of
from maml_edu.learners import LEARNERS, Learner
from maml_edu.models import Model
from maml_edu.models.networks import NETWORKS
from maml_edu.outer import Training
from maml_edu.runs.families import FAMILIES, Family
from maml_edu.tasks import TaskSource


@dataclass(frozen=True)
class Part:
    """One of several kinds by its name, with all its options: {"name": ..., option: value}."""

    name: str
    options: Mapping[str, Any]

    def __getitem__(self, option: str) -> Any:
        return self.options[option]

    @classmethod
    def of(cls, what: str, given: Mapping[str, Any]) -> Part:
        """From JSON; what is not given has its default. what: a key of KINDS. Raises InputError."""
        if not isinstance(given, Mapping):
            refuse(what, given, "an object with a name")
        options = dict(given)
        name = options.pop("name", None)
        choice(KINDS[what])(what, name)
        values = filled(f"{what} {name}", options, part_options(what, name))
        return cls(name, {key: plain(value) for key, value in values.items()})

    def with_option(self, option: str, value: Any) -> Part:
        return Part(self.name, {**self.options, option: value})

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, **self.options}


KINDS: dict[str, Mapping[str, Any]] = {"learner": LEARNERS, "model": NETWORKS, "tasks": FAMILIES}
TRAINING = options_of(Training)


def part_options(what: str, name: str) -> Options:
    """The options of a learner, a model or tasks of this name: `what` is a key of KINDS."""
    kind = KINDS[what][name]
    return options_of(kind) if what == "learner" else kind.options


@dataclass(frozen=True)
class TrainConfig:
    """All that describes a run. Raises an InputError that names what does not fit.

    start: the SHA-256 of the checkpoint that training starts from; default: from scratch.
    """

    learner: Part
    model: Part
    tasks: Part
    training: Training
    start: str | None = None

    def __post_init__(self):
        fitting = {"learner": self.family.learners, "model": self.family.networks}
        for what, names in fitting.items():
            if (name := getattr(self, what).name) not in names:
                refuse(what, name, f"{one_of(names)} for {self.tasks.name} tasks")
        self.family.check(self)
        self.make_learner(training=True)  # options that do not go together are refused here

    @classmethod
    def make(cls, tasks: str, **options: Any) -> TrainConfig:
        """A config for a family of tasks ("sine", "omniglot"), with its usual settings.

        options: `learner` and `model` by name, `start`, and any option of the learner, the model,
        the tasks or the training; each goes to the part that has it. One that is None counts as
        not given. Raises an InputError for one that no part has.
        """
        choice(FAMILIES)("tasks", tasks)
        family = FAMILIES[tasks]
        asked = {name: value for name, value in options.items() if value is not None}
        choice(family.learners)("learner", asked.get("learner", "maml"))
        given = family.settings({"learner": "maml", "model": family.networks[0], **asked})
        made: dict[str, Any] = {"start": given.pop("start")} if "start" in given else {}
        names = {what: given.pop(what) for what in ("learner", "model")} | {"tasks": tasks}
        for what, name in names.items():
            choice(KINDS[what])(what, name)
            its = {key: given.pop(key) for key in part_options(what, name) if key in given}
            made[what] = {"name": name, **its}
        if unknown := [key for key in given if key not in TRAINING]:
            wrong = f"{unknown[0]} is {given[unknown[0]]!r}"
            told = f"{names['learner']}, {names['model']} and {tasks} tasks"
            raise InputError(f"{wrong}; {told} have no such option")
        return cls.from_json({**made, "training": given})

    @classmethod
    def from_json(cls, given: Any) -> TrainConfig:
        """From what `as_json` returned, or from anything that claims to be that."""
        if not isinstance(given, Mapping) or {*given} - {"start"} != {*KINDS, "training"}:
            refuse("config", given, "an object with learner, model, tasks and training")
        parts = {what: Part.of(what, given[what]) for what in KINDS}
        training = Training(**filled("training", given["training"], TRAINING))
        return cls(**parts, training=training, start=given.get("start"))

    def as_json(self) -> dict[str, Any]:
        parts = {what: getattr(self, what).as_json() for what in KINDS}
        start = {} if self.start is None else {"start": self.start}
        return {**parts, "training": asdict(self.training), **start}

    @property
    def family(self) -> Family:
        return FAMILIES[self.tasks.name]

    @property
    def learner_class(self) -> type[Learner]:
        return LEARNERS[self.learner.name]

    @property
    def title(self) -> str:
        return self.family.title(self)

    def make_model(self, *, training: bool = False) -> Model:
        """The network; for training it computes in the precision that the config asks for, and
        as products where a captured gradient moves its convolutions in inner steps."""
        inputs, outputs = self.family.sizes(self.tasks.options)
        options = dict(self.model.options)
        if "precision" in options and not training:
            options["precision"] = "float32"
        if self.model.name == "conv4":
            moves = training and not self.learner_class.body_rests
            options["products"] = moves and self.training.capture
        headless = self.learner_class.headless
        return NETWORKS[self.model.name].build(inputs, None if headless else outputs, **options)

    def make_learner(self, *, training: bool = False) -> Learner:
        """The learner with its network; see `make_model`."""
        options = dict(self.learner.options)
        if self.learner_class.headless:
            options["way"] = self.family.sizes(self.tasks.options)[1]
        return self.learner_class(self.make_model(training=training), self.family.loss, **options)

    def make_tasks(
        self, split: str = "train", source: Any = "auto", *, upright: bool = False
    ) -> TaskSource:
        """Its tasks. split, source: for drawings only, see `tasks.OmniglotTasks`. upright: turn no
        character; by default a config with rotations turns those of every split."""
        return self.family.make_tasks(self, split, source, upright)

    def difference(self, other: TrainConfig) -> str | None:
        """The first option that differs, such as "steps is 50 there and 100 here", or None."""
        mine, theirs = _flat(self.as_json()), _flat(other.as_json())
        for key in [*mine, *theirs]:
            if mine.get(key) != theirs.get(key):
                return f"{key} is {theirs.get(key)} there and {mine.get(key)} here"
        return None


def _flat(config: dict[str, Any]) -> dict[str, Any]:
    flat = {"start": config.pop("start", None)}
    for part, options in config.items():
        flat |= {part if key == "name" else key: value for key, value in options.items()}
    return flat
