"""The families of tasks that a run can train on, each with its usual settings."""

from collections.abc import Mapping
from typing import Any

from torch.nn.functional import cross_entropy, mse_loss

from maml_edu.evaluate import Evaluation, accuracy
from maml_edu.foundation.checks import InputError, choice, flag, integer, refuse
from maml_edu.foundation.options import Option, options_of
from maml_edu.learners import LEARNERS
from maml_edu.runs.family import Config, Family
from maml_edu.tasks import AlphabetTasks, OmniglotTasks, SinusoidTasks, TaskSource

ORACLE = "oracle"  # joint training that is told each wave's amplitude and phase
DRAWINGS = 20  # of each character
IMAGES_AT_ONCE = 120  # in a meta-gradient: as many as fit a core's cache
DATA = {
    "omniglot": "Omniglot",
    "stand-in": "stand-in, not Omniglot",
    "own": "own drawings, not Omniglot",
}
# The settings of Finn et al. (2017), appendix A.1: up to 10 ways those of 5-way, above those of 20.
PAPER = {
    5: {"inner_lr": 0.4, "inner_steps": 1, "meta_batch": 32},
    20: {"inner_lr": 0.1, "inner_steps": 5, "meta_batch": 16},
}


class Sine(Family):
    """Regression on sine waves (Finn et al. 2017, section 5.1)."""

    name = "sine"
    help = "regression on sine waves (seconds on a laptop)"
    description = """\
Train on the sine waves of the MAML paper (Finn et al. 2017, section 5.1). Each task is one wave
with its own amplitude and phase, seen at a few points. The learner "joint" learns one network for
all waves at once, the baseline; "oracle" is joint, but told each wave's amplitude and phase.
"""
    epilog = """\
Examples:
  python -m maml_edu train sine
  python -m maml_edu train sine --learner joint --seed 1 --out runs/joint-1
  python -m maml_edu train sine --resume          (repeat the options of the first time)
  python -m maml_edu evaluate runs/sine-maml
"""
    options = options_of(SinusoidTasks)
    most = 1_000_000
    networks = ("mlp",)
    loss = staticmethod(mse_loss)
    measure = "query mean squared error: its mean over tasks, half-width of the 95% interval"

    @property
    def learners(self) -> tuple[str, ...]:
        return (*super().learners, ORACLE)

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        """All options that the usual settings give a run, for those asked for."""
        # Trained with 10 shots, as in the paper, most seeds leave some tasks of 5 shots on which
        # adapting diverges; trained with 5, few seeds do.
        usual = {"steps": 15_000, "shots": 5, "meta_lr": 1e-2}
        if options.get("learner") == ORACLE:
            if options.get("inner_steps"):
                refuse("inner_steps", options["inner_steps"], "0 for the oracle, which is told all")
            usual |= {"inner_steps": 0, "reveal_task": True}
            options = {**options, "learner": "joint"}
        return {**usual, **options}

    def sizes(self, tasks: Mapping[str, Any]) -> tuple[int, int]:
        """The inputs and outputs of a network for tasks with these options."""
        return SinusoidTasks(**tasks).features, 1

    def make_tasks(self, config: Config, split: str, source: Any, upright: bool) -> TaskSource:
        """See `TrainConfig.make_tasks`."""
        return SinusoidTasks(**config.tasks.options)

    def title(self, config: Config) -> str:
        """What to call a run, such as "maml-conv4-5way-1shot": its folder, too."""
        return ORACLE if config.tasks["reveal_task"] else config.learner.name

    def evaluation(self, config: Config, asked: Mapping[str, Any]) -> Evaluation:
        """On which tasks to measure what this config trained, unless asked otherwise."""
        inner_steps = 10 if config.learner["inner_steps"] > 0 else 0
        usual = {"shots": 5, "queries": 100, "inner_steps": inner_steps, **asked}
        # as many tasks at a time as keep their states and their points within memory
        points = usual["shots"] + usual["queries"]
        chunk = min(1000, 20_000 // (usual["inner_steps"] + 1), 200_000 // points)
        return Evaluation(**usual, chunk_size=max(1, chunk), batch_size=20_000_000 // points)

    def data(self, tasks: TaskSource) -> str:
        """What the tasks are made of, without where it lies on this machine."""
        return "sine waves drawn at random; no files"


class Omniglot(Family):
    """N-way K-shot classification of Omniglot's characters (Finn et al. 2017, section 5.2)."""

    name = "omniglot"
    help = "few-shot classification of Omniglot's characters (minutes to hours)"
    description = """\
Train on few-shot tasks of handwritten characters, as the MAML paper does (Finn et al. 2017, section
5.2), with its settings by default: an inner_lr of 0.4, one inner step and 32 tasks a meta-step up
to 10 ways, above that 0.1, five and 16.
"""
    epilog = """\
Examples:
  python -m maml_edu train omniglot --way 5 --shots 1
  python -m maml_edu train omniglot --learned-rates --queries 5 --meta-batch 16 --meta-lr 2e-3 \\
      --schedule cosine --warmup 0.05 --steps 2000
  python -m maml_edu train omniglot --learner protonet --way 64 --queries 4 --meta-batch 1
  python -m maml_edu train omniglot --start runs/omniglot-protonet-conv4-64way-1shot
  python -m maml_edu evaluate runs/omniglot-maml-conv4-5way-1shot --protocol support-only
"""
    options = {
        "way": Option(5, integer(2, 1000), "characters to tell apart in a task"),
        "rotations": Option(True, flag, "count a character turned by 90 degrees as another class"),
        "data": Option("omniglot", choice(DATA), "which drawings these are"),
    }
    most = 100_000
    networks = ("conv4", "dense4")
    loss = staticmethod(cross_entropy)
    measure = "query accuracy: its mean over tasks, half-width of the 95% interval"
    classifies = validates = True
    split_by = "the SHA-256 of their names"

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        paper = PAPER[5 if options.get("way", 5) <= 10 else 20]
        shots = options.get("shots", 1)
        usual = {"steps": 60_000, "shots": shots, "queries": shots, "warmup": 0.0}
        usual |= {"schedule": "constant", "meta_batch": paper["meta_batch"]}
        kind = LEARNERS[options["learner"]]
        if hasattr(kind, "inner_lr"):
            usual["inner_lr"] = paper["inner_lr"]
            several = kind.inner_steps > 1  # it has a number of steps of its own
            usual["inner_steps"] = kind.inner_steps if several else paper["inner_steps"]
        usual |= options
        images = max(1, usual.get("way", 5) * (usual["shots"] + usual["queries"]))
        return {"chunk_size": max(1, IMAGES_AT_ONCE // images), **usual}

    def sizes(self, tasks: Mapping[str, Any]) -> tuple[int, int]:
        return 28 * 28, tasks["way"]

    def check(self, config: Config) -> None:
        drawings = config.training.shots + config.training.queries
        if drawings > DRAWINGS:
            refuse("shots + queries", drawings, f"at most {DRAWINGS}, the drawings of a character")
        super().check(config)
        precision = config.model.options.get("precision", "float32")
        if precision != "float32" and not config.learner_class.body_rests:
            why = f"float32 for {config.learner.name}, which adapts the convolutions"
            refuse("precision", precision, why)

    def make_tasks(self, config: Config, split: str, source: Any, upright: bool) -> TaskSource:
        rotations, data = config.tasks["rotations"] and not upright, config.tasks["data"]
        if source == "auto" and data == "own":
            raise InputError(
                "source is missing; this was trained on drawings of your own: give them"
            )
        if source == "auto" and data == "stand-in":
            source = data
        return OmniglotTasks(split, config.tasks["way"], rotations=rotations, source=source)

    def title(self, config: Config) -> str:
        what = f"{config.learner.name}-{config.model.name}"
        return f"{what}-{config.tasks['way']}way-{config.training.shots}shot"

    def evaluation(self, config: Config, asked: Mapping[str, Any]) -> Evaluation:
        way = config.tasks["way"]
        usual = {"shots": config.training.shots, "queries": 15 if way <= 10 else 5}
        usual |= {"inner_steps": 3, **asked}
        chunk = 400 // (way * (usual["shots"] + usual["queries"]))
        return Evaluation(**usual, metric=accuracy, chunk_size=max(1, chunk), batch_size=50)

    def protocol(self, tasks: TaskSource) -> dict[str, Any]:
        """What a record of figures tells of the tasks, beside their sizes."""
        return {"rotations": tasks.rotations}

    def data(self, tasks: TaskSource) -> str:
        name = DATA[tasks.drawings.kind]
        count = len(tasks.drawings.names)
        return f"{name}, {count} characters, split by {self.split_by}"


class Challenge(Omniglot):
    """The Omniglot challenge (Lake, Salakhutdinov & Tenenbaum 2015): alphabets never trained on."""

    name = "challenge"
    help = "the Omniglot challenge: tasks within one alphabet, unseen alphabets (minutes)"
    description = """\
Train for the one-shot test of Lake, Salakhutdinov & Tenenbaum (2015): background alphabets alone,
drawings warped at random, each alphabet in eight symmetries. Four of them choose the best state.
Measured on 20-way 1-shot tasks within an evaluation alphabet, of two drawers.
"""
    epilog = """\
Examples:
  python -m maml_edu train challenge --learner protonet --precision bfloat16 --meta-lr 5e-3
  python -m maml_edu train challenge --steps 1000
"""
    options = {name: option for name, option in Omniglot.options.items() if name != "rotations"}
    networks = ("grid4", *Omniglot.networks)
    measured = {"way": 20, "queries": 1}
    split_by = "alphabets"

    @property
    def learners(self) -> tuple[str, ...]:
        return tuple(n for n in super().learners if n != "pretrain")  # its classes are turned ones

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        metric = LEARNERS[options["learner"]].headless
        usual = {"way": 60, "queries": 4, "meta_batch": 1} if metric else {"way": 20, "queries": 1}
        usual |= {"steps": 10_000, "warmup": 0.05, "schedule": "cosine", "meta_lr": 2e-3}
        return super().settings({**usual, **options})

    def make_tasks(self, config: Config, split: str, source: Any, upright: bool) -> TaskSource:
        return AlphabetTasks(split, config.tasks["way"], source=source)

    def protocol(self, tasks: TaskSource) -> dict[str, Any]:
        return {"characters": "of one alphabet", "drawers": "two, of support and queries"}


FAMILIES: dict[str, Family] = {f.name: f for f in (Sine(), Omniglot(), Challenge())}
