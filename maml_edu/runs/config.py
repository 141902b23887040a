"""What a run is made of, as plain names and numbers that JSON can hold.

A recipe comes from the command line or out of a file that somebody sent, so nothing in it is
believed: every name stands in a table below, every number has bounds, and building from it can
reach nothing else. No torch is needed before it is built.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maml_edu.foundation.checks import (
    Check,
    check_all,
    choice,
    flag,
    fraction,
    integer,
    interval,
    layer_sizes,
    not_negative,
    one_of,
    positive,
    refuse,
    sha256,
)
from maml_edu.learners import LEARNERS, learner_class

if TYPE_CHECKING:
    from maml_edu.learners import Learner
    from maml_edu.models import Model
    from maml_edu.tasks import TaskSource

MAX_POINTS = 1_000_000  # in one batch of tasks
MAX_IMAGES = 100_000
DRAWINGS = 20  # of each character
WAVES: dict[str, Check] = dict.fromkeys(("amplitude", "phase", "x_range"), interval)
WAY = integer(2, 1000)
DATA = ("omniglot", "stand-in")
PRECISIONS = ("float32", "bfloat16")  # models.omniglot.PRECISIONS, without torch
KINDS: dict[str, dict[str, dict[str, Check]]] = {
    "learner": {name: kind.needs for name, kind in LEARNERS.items()},
    "model": {"mlp": {"sizes": layer_sizes}, "conv4": {"way": WAY}, "dense4": {"way": WAY}},
    "tasks": {
        "sinusoid": {**WAVES, "noise": not_negative, "reveal_task": flag},
        "omniglot": {"way": WAY, "rotations": flag, "data": choice(DATA)},
    },
}
MODELS_OF = {"sinusoid": ("mlp",), "omniglot": ("conv4", "dense4")}
TRAINING: dict[str, Check] = {
    "steps": integer(0, 100_000_000),
    "meta_batch": integer(1, 1_000_000),
    "shots": integer(1, 1_000_000),
    "queries": integer(1, 1_000_000),
    "meta_lr": positive,
    "warmup": fraction,
    "seed": integer(0, 2**63 - 1),
    "replay": flag,
}
TRAINING_OPTIONS: dict[str, Check] = {
    "schedule": choice(("cosine", "constant")),
    "rates_lr": positive,
    "chunk_size": integer(1, 1_000_000),
    "compiled": flag,
    "precision": choice(PRECISIONS),
    "start": sha256,  # of the theta that training starts from
}
# Trained with 10 shots, as the paper does, most seeds leave some tasks of 5 shots on which adapting
# diverges; trained with 5, few seeds do.
SINE = {
    "steps": 15_000,
    "meta_batch": 25,
    "shots": 5,
    "queries": 10,
    "meta_lr": 1e-2,
    "warmup": 0.05,
    "seed": 0,
}
SINE_LEARNERS = (*(n for n, kind in LEARNERS.items() if "sinusoid" in kind.families), "oracle")
OMNIGLOT_LEARNERS = tuple(n for n, kind in LEARNERS.items() if "omniglot" in kind.families)


@dataclass(frozen=True)
class TrainConfig:
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
                refuse(part, given, "an object with a name")
            name = given.get("name")
            if not isinstance(name, str) or name not in kinds:
                refuse(f"{part} name" if part != "learner" else part, name, one_of(kinds))
            options = {k: v for k, v in given.items() if k != "name"}
            optional = LEARNERS[name].takes if part == "learner" else None
            check_all(part, options, kinds[name], optional)
        check_all("training", self.training, TRAINING, TRAINING_OPTIONS)
        if self.training.get("compiled") and not self.training["replay"]:
            refuse("compiled", True, "False without replay: what is compiled is a recording")
        family, model = self.tasks["name"], self.model["name"]
        if family not in LEARNERS[self.learner["name"]].families:
            names = SINE_LEARNERS if family == "sinusoid" else OMNIGLOT_LEARNERS
            refuse("learner", self.learner["name"], f"{one_of(names)} for {family} tasks")
        if model not in MODELS_OF[family]:
            refuse("model name", model, f"{one_of(MODELS_OF[family])} for {family} tasks")
        self._check_omniglot() if family == "omniglot" else self._check_sinusoid()

    def _check_sinusoid(self) -> None:
        points = self.training["meta_batch"] * (self.training["shots"] + self.training["queries"])
        if points > MAX_POINTS:
            raise ValueError(
                f"meta_batch x (shots + queries) is {points:,}; it must be at most {MAX_POINTS:,}"
            )
        features = 3 if self.tasks["reveal_task"] else 1
        if self.model["sizes"][0] != features or self.model["sizes"][-1] != 1:
            allowed = f"from {features} (the tasks' features) to 1 output"
            refuse("sizes", self.model["sizes"], allowed)

    def _check_omniglot(self) -> None:
        way, training = self.tasks["way"], self.training
        if self.model["way"] != way:
            refuse("model's way", self.model["way"], f"{way}, the tasks' way")
        precision = training.get("precision", "float32")
        if precision != "float32" and self.model["name"] != "conv4":
            refuse("precision", precision, f"float32 for {self.model['name']}")
        learner = self.learner["name"]
        if precision != "float32" and not LEARNERS[learner].body_rests:
            refuse("precision", precision, f"float32 for {learner}: it adapts the convolutions")
        if training["shots"] + training["queries"] > DRAWINGS:
            raise ValueError(
                f"shots + queries is {training['shots'] + training['queries']}; "
                f"it must be at most {DRAWINGS}, the drawings of a character"
            )
        images = training["meta_batch"] * way * (training["shots"] + training["queries"])
        if images > MAX_IMAGES:
            raise ValueError(
                f"meta_batch x way x (shots + queries) is {images:,}; "
                f"it must be at most {MAX_IMAGES:,}"
            )

    @classmethod
    def from_json(cls, given: Any) -> TrainConfig:
        """From what `as_json` gave, or from anything that claims to be that."""
        parts = ("learner", "model", "tasks", "training")
        if not isinstance(given, dict) or set(given) != set(parts):
            refuse("config", given, f"an object with {', '.join(parts)}")
        return cls(**given)

    def as_json(self) -> dict[str, dict[str, Any]]:
        return {part: dict(getattr(self, part)) for part in (*KINDS, "training")}

    @property
    def title(self) -> str:
        """What to call it: "maml", "joint", or "oracle", which is joint training told the task."""
        if self.family == "sinusoid":
            return "oracle" if self.tasks["reveal_task"] else self.learner["name"]
        what = f"{self.learner['name']} {self.model['name']}"
        return f"{self.tasks['way']}-way {self.training['shots']}-shot {what}"

    @property
    def family(self) -> str:
        """Which kind of tasks it is for: "sinusoid" (regression) or "omniglot" (classification)."""
        return self.tasks["name"]

    def make_model(self, precision: str = "float32") -> Model:
        from maml_edu.models import conv4, dense4, mlp

        if self.model["name"] == "mlp":
            return mlp(*self.model["sizes"])
        way = None if LEARNERS[self.learner["name"]].headless else self.model["way"]
        if self.model["name"] == "dense4":
            return dense4(way)
        return conv4(way, precision=precision)

    def make_learner(self, *, training: bool = False) -> Learner:
        """The learner; for training it computes in the precision that `training` names."""
        from torch.nn.functional import cross_entropy, mse_loss

        loss = cross_entropy if self.family == "omniglot" else mse_loss
        options = {key: value for key, value in self.learner.items() if key != "name"}
        model = self.make_model(
            self.training.get("precision", "float32") if training else "float32"
        )
        if LEARNERS[self.learner["name"]].headless:
            options["way"] = self.tasks["way"]
        if head_lr := options.pop("head_lr", None):
            rates = {
                n: head_lr if n.startswith("head.") else options["inner_lr"] for n in model.shapes()
            }
            options["inner_lr"] = rates
        return learner_class(self.learner["name"])(model, loss, **options)

    def make_tasks(
        self, split: str = "train", source: Any = "auto", *, upright: bool = False
    ) -> TaskSource:
        """Its tasks. The rest matters to Omniglot alone: the split, where the drawings are from,
        and whether characters stay upright. If not, a recipe with rotations has them in all splits,
        as the authors' code does."""
        from maml_edu.tasks import OmniglotTasks, SinusoidTasks

        if self.family == "omniglot":
            rotations = self.tasks["rotations"] and not upright
            return OmniglotTasks(split, self.tasks["way"], rotations=rotations, source=source)
        options = {key: value for key, value in self.tasks.items() if key != "name"}
        return SinusoidTasks(**{k: tuple(v) if k in WAVES else v for k, v in options.items()})

    def difference(self, other: TrainConfig) -> str | None:
        """The first setting that differs, such as "steps is 50 there and 100 here", or None."""
        for part, here in self.as_json().items():
            there = getattr(other, part)
            for key in [*here, *there]:  # the name first: the other keys depend on it
                if here.get(key) != there.get(key):
                    label = part if key == "name" else key
                    return f"{label} is {there.get(key)} there and {here.get(key)} here"
        return None


def sine_config(
    learner: str = "maml",
    *,
    inner_lr: float = 0.01,
    inner_steps: int | None = None,
    first_order: bool = False,
    replay: bool = True,
    **options: Any,
) -> TrainConfig:
    """The paper's sine waves (Finn et al. 2017, section 5.1), for one of SINE_LEARNERS.

    inner_steps: 1 unless said otherwise, or what the learner's kind says; see `maml_edu.learners`.
    options: of training, `steps`, `meta_batch`, `shots`, `queries`, `meta_lr`, `warmup`, `seed`, of
        which SINE has the defaults, and `compiled`; of the learner, what its kind takes.
    The oracle is told each task's amplitude and phase as inputs, and does not adapt.
    """
    if learner not in SINE_LEARNERS:
        refuse("learner", learner, one_of(SINE_LEARNERS))
    oracle = learner == "oracle"
    kind = LEARNERS["joint" if oracle else learner]
    usual = 0 if oracle else kind.inner_steps
    how = {"inner_lr": inner_lr, "inner_steps": usual if inner_steps is None else inner_steps}
    if "first_order" in kind.needs:
        how["first_order"] = first_order
    elif first_order:
        raise ValueError(f"first_order is for maml and anil; {learner} has no choice of it")
    own = {name: options.pop(name) for name in kind.takes if name in options}
    return TrainConfig(
        learner={"name": "joint" if oracle else learner, **how, **own},
        model={"name": "mlp", "sizes": [3 if oracle else 1, 40, 40, 1]},
        tasks={
            "name": "sinusoid",
            "amplitude": [0.1, 5.0],
            "phase": [0.0, math.pi],
            "x_range": [-5.0, 5.0],
            "noise": 0.0,
            "reveal_task": oracle,
        },
        training={**SINE, "replay": replay, **options},
    )


# The paper's own settings (Finn et al. 2017, appendix A.1), by way.
OMNIGLOT = {
    5: {"inner_lr": 0.4, "inner_steps": 1, "meta_batch": 32},
    20: {"inner_lr": 0.1, "inner_steps": 5, "meta_batch": 16},
}


def omniglot_config(
    way: int = 5,
    shot: int = 1,
    *,
    model: str = "conv4",
    queries: int | None = None,
    inner_lr: float | None = None,
    inner_steps: int | None = None,
    meta_batch: int | None = None,
    steps: int = 60_000,
    meta_lr: float = 1e-3,
    warmup: float = 0.0,
    schedule: str = "constant",
    seed: int = 0,
    rotations: bool = True,
    data: str = "omniglot",
    start: str | None = None,
    rates_lr: float | None = None,
    precision: str | None = None,
    chunk_size: int | None = None,
    compiled: bool = False,
    learner: str = "maml",
    **options: Any,
) -> TrainConfig:
    """Few-shot classification of Omniglot's characters, by the paper's settings unless told others
    (Finn et al. 2017, section 5.2): ways up to 10 have those of 5-way, larger ones those of 20-way.

    queries: drawings a character to be judged on; as many as `shot` unless said otherwise, as in
        the authors' code.
    chunk_size: tasks differentiated side by side; about 120 images' worth unless said otherwise,
        as fits a core's cache.
    rates_lr: Adam's step size for learned rates; meta_lr unless said otherwise.
    precision: of training conv4, one of PRECISIONS; see `maml_edu.models.conv4`.
    compiled: see `maml_edu.outer.meta_train`.
    learner: one of OMNIGLOT_LEARNERS. start: the SHA-256 of the checkpoint that it starts from.
    options: of MAML: `first_order`, `learned_rates`, `per_step_losses`, `protocol`, and `head_lr`,
        a rate of its own for the head; see `maml_edu.learners.MAML`.
    """
    if learner not in OMNIGLOT_LEARNERS:
        refuse("learner", learner, one_of(OMNIGLOT_LEARNERS))
    paper = OMNIGLOT[5 if way <= 10 else 20]
    queries = shot if queries is None else queries
    images = max(1, way * (shot + queries))
    training = {
        "steps": steps,
        "meta_batch": paper["meta_batch"] if meta_batch is None else meta_batch,
        "shots": shot,
        "queries": queries,
        "meta_lr": meta_lr,
        "warmup": warmup,
        "schedule": schedule,
        "seed": seed,
        "replay": True,
        "chunk_size": max(1, 120 // images) if chunk_size is None else chunk_size,
    }
    kind = LEARNERS[learner]
    usual = {**paper, "first_order": False}
    if kind.inner_steps > 1:
        usual["inner_steps"] = kind.inner_steps
    asked = {"inner_lr": inner_lr, "inner_steps": inner_steps, **options}
    asked = {name: value for name, value in asked.items() if value is not None}
    if unknown := set(asked) - {*kind.needs, *kind.takes}:
        raise ValueError(f"{learner} has no {', '.join(sorted(unknown))}")
    how = {"name": learner, **{name: usual[name] for name in kind.needs}, **asked}
    if rates_lr is not None:
        if not options.get("learned_rates"):
            raise ValueError(f"rates_lr is {rates_lr}; it is for learned_rates alone")
        training["rates_lr"] = rates_lr
    if precision is not None:
        training["precision"] = precision
    if compiled:
        training["compiled"] = True
    return TrainConfig(
        learner=how,
        model={"name": model, "way": way},
        tasks={"name": "omniglot", "way": way, "rotations": rotations, "data": data},
        training=training if start is None else {**training, "start": start},
    )
