"""N-way K-shot classification of Omniglot's characters (Finn et al. 2017, section 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch.nn.functional import cross_entropy

from maml_edu.evaluate import Evaluation, accuracy
from maml_edu.foundation.checks import choice, flag, integer, refuse
from maml_edu.foundation.options import Option
from maml_edu.learners import LEARNERS
from maml_edu.runs.families.base import Family
from maml_edu.tasks import OmniglotTasks, TaskSource

if TYPE_CHECKING:
    from maml_edu.runs.config import TrainConfig

MAX_IMAGES = 100_000  # in one batch of tasks
DRAWINGS = 20  # of each character
DATA = ("omniglot", "stand-in")
PIXELS = 28 * 28
IMAGES_AT_ONCE = 120  # as many as fit a core's cache, when a meta-gradient is taken

# The paper's own settings (Finn et al. 2017, appendix A.1): up to 10 ways those of 5-way, above
# those of 20-way.
PAPER = {
    5: {"inner_lr": 0.4, "inner_steps": 1, "meta_batch": 32},
    20: {"inner_lr": 0.1, "inner_steps": 5, "meta_batch": 16},
}


class Omniglot(Family):
    name = "omniglot"
    help = "few-shot classification of Omniglot's characters (minutes to hours)"
    description = """\
Train on few-shot tasks of handwritten characters, as the MAML paper does (Finn et al. 2017, section
5.2), with its settings by default: an inner_lr of 0.4, one inner step and 32 tasks a meta-step up
to 10 ways, above that 0.1, five and 16. Some of the learners:

  maml      learns the parameters from which a few gradient steps go furthest
  protonet  learns features in which classes lie apart (Snell et al. 2017)
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
        "data": Option("omniglot", choice(DATA), "which drawings these are", choices=DATA),
    }
    networks = ("conv4", "dense4")
    loss = staticmethod(cross_entropy)
    measure = "query accuracy: its mean over tasks, half-width of the 95% interval"
    validates = True

    def settings(self, options: dict[str, Any]) -> dict[str, Any]:
        paper = PAPER[5 if options.get("way", 5) <= 10 else 20]
        shots = options.get("shots", 1)
        usual = {"steps": 60_000, "shots": shots, "queries": shots, "warmup": 0.0}
        usual |= {"schedule": "constant", "meta_batch": paper["meta_batch"]}
        kind = LEARNERS.get(options.get("learner", "maml"))
        if kind is not None and hasattr(kind, "inner_lr"):
            usual["inner_lr"] = paper["inner_lr"]
            several = kind.inner_steps > 1  # it has a number of steps of its own
            usual["inner_steps"] = kind.inner_steps if several else paper["inner_steps"]
        usual |= options
        images = max(1, usual.get("way", 5) * (usual["shots"] + usual["queries"]))
        return {"chunk_size": max(1, IMAGES_AT_ONCE // images), **usual}

    def sizes(self, tasks: Mapping[str, Any]) -> tuple[int, int]:
        return PIXELS, tasks["way"]

    def check(self, config: TrainConfig) -> None:
        training = config.training
        drawings = training.shots + training.queries
        if drawings > DRAWINGS:
            allowed = f"at most {DRAWINGS}, the drawings of a character"
            refuse("shots + queries", drawings, allowed)
        images = training.meta_batch * config.tasks["way"] * drawings
        if images > MAX_IMAGES:
            refuse("meta_batch x way x (shots + queries)", images, f"at most {MAX_IMAGES:,}")
        precision = config.model.options.get("precision", "float32")
        if precision != "float32" and not config.learner_class.body_rests:
            why = f"float32 for {config.learner.name}, which adapts the convolutions"
            refuse("precision", precision, why)

    def make_tasks(self, config: TrainConfig, split: str, source: Any, upright: bool) -> TaskSource:
        rotations = config.tasks["rotations"] and not upright
        return OmniglotTasks(split, config.tasks["way"], rotations=rotations, source=source)

    def title(self, config: TrainConfig) -> str:
        what = f"{config.learner.name} {config.model.name}"
        return f"{config.tasks['way']}-way {config.training.shots}-shot {what}"

    def evaluation(self, config: TrainConfig, asked: Mapping[str, Any]) -> Evaluation:
        way = config.tasks["way"]
        usual = {"shots": config.training.shots, "queries": 15 if way <= 10 else 5}
        usual |= {"inner_steps": 3, **asked}
        chunk = 400 // (way * (usual["shots"] + usual["queries"]))
        return Evaluation(**usual, metric=accuracy, chunk_size=max(1, chunk), batch_size=50)

    def data(self, tasks: TaskSource) -> str:
        drawings = tasks.drawings
        name = "Omniglot" if drawings.omniglot else "stand-in, not Omniglot"
        return f"{name}, {len(drawings.names)} characters, split by the SHA-256 of their names"
