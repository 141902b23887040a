"""One learner adapting to drawings: each query's probabilities at each inner step."""

import math
from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import shared
from maml_edu.views.scenes.axis import step_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Images
from maml_edu.views.scenes.shared import fmt_percent, fmt_step

QUERY_COLUMNS, QUERY_ROWS = 5, 3
SUPPORT_COLUMNS, SUPPORT_ROWS = 10, 3
RIGHT, WRONG = "✓", "✗"
CAPTION = (
    f"Under each drawing: its label; {RIGHT} where the likeliest label is this one, else {WRONG} "
    "and the likeliest; its probability."
)


@dataclass(frozen=True)
class ClassificationTrace:
    """One learner adapting to one N-way task of drawings, at every inner step.

    Images are (…, height, width), 1 for ink and 0 for paper; labels are 0 … way - 1.
    """

    learner: str  # "MAML"
    rate: str  # how far it steps, in words: "inner_lr 0.01", "learned inner_lr"
    protocol: str  # whose statistics batch-norm used for the queries: see models.PROTOCOLS
    names: tuple[str, ...]  # (way,) what the labels are called: "A", "B", …
    support_images: np.ndarray  # (way * shots, height, width)
    support_labels: np.ndarray  # (way * shots,)
    query_images: np.ndarray  # (queries, height, width)
    query_labels: np.ndarray  # (queries,)
    probabilities: np.ndarray  # (steps + 1, queries, way) the network's, for every query
    support_loss: np.ndarray  # (steps + 1,) cross-entropy on the support set
    query_loss: np.ndarray  # (steps + 1,) cross-entropy on the query set
    accuracy: np.ndarray  # (steps + 1,) the fraction of queries whose likeliest label is right

    @property
    def inner_steps(self) -> int:
        return len(self.probabilities) - 1

    @property
    def way(self) -> int:
        return len(self.names)

    @property
    def answers(self) -> np.ndarray:
        """The likeliest label of each query at each step, (steps + 1, queries); -1: not finite."""
        return shared.likeliest(self.probabilities)

    @property
    def right(self) -> np.ndarray:
        """Whether each query is answered rightly at each step, (steps + 1, queries)."""
        return self.answers == self.query_labels


@scene.register
def classification_scene(trace: ClassificationTrace) -> Scene:
    """Panels `support` and `queries` (main), `losses` and `accuracy`; a frame per inner step."""
    losses, way = (trace.support_loss, trace.query_loss), trace.way
    gone = shared.first(shared.too_high(losses))
    notes = shared.divergence_notes(gone, trace.inner_steps + 1)
    options = {"measure": shared.CROSS_ENTROPY, "gone": gone, "notes": notes}
    side = shared.two_losses(*losses, **options)
    accuracy = shared.accuracy_panel(trace.accuracy, way, step_axis(trace.inner_steps))
    shots, n = len(trace.support_labels) // way, len(trace.query_labels)
    summary = [
        f"{trace.learner}, {fmt_step(step)}: {right.sum()} of {n} queries right. {side.alt[step]}"
        for step, right in enumerate(trace.right)
    ]
    panels = [_support(trace, shots), _queries(trace), side, accuracy]
    title = f"{trace.learner}, {way}-way {shots}-shot, {trace.rate}, {trace.protocol} batch-norm"
    return Scene(title, panels, shared.with_notes(summary, notes))


def _support(trace: ClassificationTrace, shots: int) -> Panel:
    """The support drawings over their labels; where there are many, some of each class."""
    n = len(trace.support_labels)
    each = max(1, min(shots, SUPPORT_COLUMNS * SUPPORT_ROWS // trace.way))
    shown = one_of_each_in_turn(trace.support_labels, each * trace.way)
    shown = sorted(shown, key=lambda i: (trace.support_labels[i], i))
    labels = trace.support_labels[shown]
    captions = [trace.names[label] for label in labels]
    if each > 1:  # a class in one row
        columns = SUPPORT_COLUMNS // each * each
    else:  # rows alike
        columns = math.ceil(len(shown) / math.ceil(len(shown) / SUPPORT_COLUMNS))
    mark = Images("support", None, trace.support_images[shown], [captions], labels, columns)
    title = "Support: the labelled drawings" if n > trace.way else "Support: one drawing of each"
    title += f" ({len(shown)} of {n})" if len(shown) < n else ""
    alt = f"{len(shown)} support drawings, labelled {', '.join(captions)}."
    return Panel("support", title, [mark], [alt] * len(trace.probabilities))


def _queries(trace: ClassificationTrace) -> Panel:
    """Query drawings, the probability of each class beside them, and whether that is right."""
    n, steps = len(trace.query_labels), range(trace.inner_steps + 1)
    shown = one_of_each_in_turn(trace.query_labels, QUERY_COLUMNS * QUERY_ROWS)
    images, labels = trace.query_images[shown], trace.query_labels[shown]
    captions = [[_verdict(trace, step, i) for i in shown] for step in steps]
    columns = min(trace.way, QUERY_COLUMNS)
    bars, right = trace.probabilities[:, shown], trace.right[:, shown]
    mark = Images("query", None, images, captions, labels, columns, bars, right, trace.names)
    title = "Queries: the probability of each label"
    title += f" ({len(shown)} of {n} queries)" if len(shown) < n else ""
    alt = [f"{len(shown)} queries at inner step {i}: {'; '.join(captions[i])}." for i in steps]
    return Panel("queries", title, [mark], alt, caption=CAPTION)


def one_of_each_in_turn(labels: np.ndarray, most: int) -> list[int]:
    """Indices of at most `most` samples: the first of each class, then the second of each, …"""
    before = [(labels[:i] == label).sum() for i, label in enumerate(labels)]
    return np.lexsort((labels, before))[:most].tolist()


def _verdict(trace: ClassificationTrace, step: int, query: int) -> str:
    """What a query is, and what the network says: "C ✓ 93%", "C ✗ B 61%"."""
    name, answer = trace.names[trace.query_labels[query]], trace.answers[step, query]
    if answer < 0:
        return f"{name} {WRONG} not finite"
    sure = fmt_percent(trace.probabilities[step, query, answer])
    right = answer == trace.query_labels[query]
    return f"{name} {RIGHT} {sure}" if right else f"{name} {WRONG} {trace.names[answer]} {sure}"
