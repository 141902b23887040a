"""Features in a plane: queries, support drawings, and prototypes that settle."""

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import shared
from maml_edu.views.scenes.axis import Axis, finite_range, step_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Images, Mark, Points, Trail
from maml_edu.views.scenes.style import series

CAPTION = (
    "Large: prototypes, and the way they came.\n"
    "Small and filled: support drawings; hollow: queries."
)


@dataclass(frozen=True)
class EmbeddingTrace:
    """The features of one N-way task in a plane, and its prototypes by the number of shots.

    Frame k, from 0 to the most shots, has seen k drawings of each class; what it has not seen is
    nan. All frames are in the same plane, which holds most of the last frame's variation.
    """

    learner: str  # "ProtoNet"
    protocol: str  # whose statistics batch-norm used for the queries: see models.PROTOCOLS
    names: tuple[str, ...]  # (way,) what the labels are called: "A", "B", …
    images: np.ndarray  # (way, height, width) the first drawing of each class, 1 for ink
    support: np.ndarray  # (frames, way, most shots, 2)
    prototypes: np.ndarray  # (frames, way, 2)
    query: np.ndarray  # (frames, queries, 2)
    query_labels: np.ndarray  # (queries,)
    answers: np.ndarray  # (frames, queries) the class that the learner says; -1: it cannot know
    explained_fraction: float  # of the last frame's variation, what lies in this plane: 0 to 1

    @property
    def way(self) -> int:
        return len(self.names)

    @property
    def most_shots(self) -> int:
        return len(self.prototypes) - 1

    @property
    def right(self) -> np.ndarray:
        """Whether each query is answered rightly in each frame, (frames, queries)."""
        return self.answers == self.query_labels

    @property
    def accuracy(self) -> np.ndarray:
        """The fraction of queries answered rightly, (frames,); that of guessing at 0 shots."""
        known = ~(self.answers < 0).all(1)
        right = self.right.sum(1) / max(len(self.query_labels), 1)
        return np.where(known, right, 1 / self.way)


@scene.register
def embedding_scene(trace: EmbeddingTrace) -> Scene:
    """Panels `features` (main), `accuracy` and `drawings`; a frame per number of shots, from 0."""
    frames = range(trace.most_shots + 1)
    x = step_axis(trace.most_shots, "shots")
    alt = [_alt(trace, shots) for shots in frames]
    accuracy = shared.accuracy_panel(trace.accuracy, trace.way, x)
    panels = [_features(trace, alt), accuracy, _drawings(trace)]
    title = f"{trace.learner}, {trace.way}-way, {trace.protocol} batch-norm"
    summary = [f"{_right(trace, shots)} {alt[shots]}" for shots in frames]
    return Scene(title, panels, summary, "shots")


def _features(trace: EmbeddingTrace, alt: list[str]) -> Panel:
    samples: list[Mark] = []
    trails: list[Mark] = []
    for label, name in enumerate(trace.names):
        own, role = trace.query_labels == label, series(label)
        for kind, at in (("query", trace.query[:, own]), ("support", trace.support[:, label])):
            samples.append(Points(role.replace("series", kind), None, at[..., 0], at[..., 1]))
        readout = [f"{n} of {own.sum()} right" for n in trace.right[:, own].sum(1)]
        readout[0] = "not seen yet"
        trails.append(Trail(role, name, *trace.prototypes[:, label].T, readout))
    title, axes, marks = "Features in a plane", _square(trace), samples + trails
    return Panel("features", title, marks, alt, *axes, equal=True, caption=CAPTION)


def _square(trace: EmbeddingTrace) -> list[Axis]:
    """Axes of one scale and length that hold all that is ever drawn."""
    ranges = [finite_range(trace.support[..., i], trace.query[..., i]) for i in (0, 1)]
    half = 0.55 * max(*(high - low for low, high in ranges), 1e-6)
    middles = [(low + high) / 2 for low, high in ranges]
    labels = shared.directions(trace.explained_fraction, of="variation")
    return [Axis(n, (at - half, at + half)) for n, at in zip(labels, middles, strict=True)]


def _drawings(trace: EmbeddingTrace) -> Panel:
    way, alt = trace.way, f"The first support drawing of each class: {', '.join(trace.names)}."
    mark = Images("support", None, trace.images, [trace.names], range(way), columns=way)
    alts = [alt] * (trace.most_shots + 1)
    return Panel("drawings", "First drawing of each", [mark], alts, place="side")


def _alt(trace: EmbeddingTrace, shots: int) -> str:
    queries = f"The features of {len(trace.query_labels)} queries"
    if shots == 0:
        return f"{queries}; no prototypes yet."
    places = zip(trace.names, trace.prototypes[shots], strict=True)
    at = ", ".join(f"{name} at {shared.fmt_point(*place)}" for name, place in places)
    return f"{queries} and the prototypes at shots {shots}: {at}."


def _right(trace: EmbeddingTrace, shots: int) -> str:
    if shots == 0:
        return f"{trace.learner} before any drawing: it can only guess."
    n, right = len(trace.query_labels), trace.right[shots].sum()
    seen = f"{shots} shot{'s' * (shots != 1)} of each class"
    return f"{trace.learner}, {seen}: {right} of {n} queries right."
