"""What the pictures are drawn from: frozen NumPy records. No torch and no matplotlib here.

`traces` fills these from real networks; `plots` and `widgets` draw them. Steps run from 0 (before
adapting, at theta) to `inner_steps`, so every per-step array has `inner_steps + 1` entries. A value
that is not finite means that the adaptation diverged there; it is kept, and the drawing says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class AdaptationTrace:
    """One learner adapting to one regression task, at every inner step."""

    learner: str  # "MAML"
    inner_lr: float | None  # None: a learned rate per parameter
    grid_x: np.ndarray  # (points,) where the function is drawn
    curves: np.ndarray  # (steps + 1, points) the network's function after each step
    true_curve: np.ndarray | None  # (points,) the task's own function, where it is known
    support_x: np.ndarray  # (shots,)
    support_y: np.ndarray  # (shots,)
    query_x: np.ndarray  # (queries,)
    query_y: np.ndarray  # (queries,)
    support_loss: np.ndarray  # (steps + 1,) mean squared error on the support set
    query_loss: np.ndarray  # (steps + 1,) mean squared error on the query set
    path: np.ndarray  # (steps + 1, 2) the parameters, in the plane that holds most of their motion
    explained_fraction: (
        float  # the share of the motion's squared length that this plane holds, 0 to 1
    )

    @property
    def inner_steps(self) -> int:
        return len(self.curves) - 1

    @property
    def diverged_at(self) -> int | None:
        """The first inner step whose losses or curve are not finite, or None."""
        finite = np.isfinite(self.curves).all(1)
        finite &= np.isfinite(self.support_loss) & np.isfinite(self.query_loss)
        return None if finite.all() else int(np.argmin(finite))


@dataclass(frozen=True)
class ComparisonTrace:
    """Several learners adapting to the very same task: one AdaptationTrace each."""

    traces: tuple[AdaptationTrace, ...]


@dataclass(frozen=True)
class PlaneTrace:
    """The meta-objective over a two-parameter theta, with gradients drawn at one point of it."""

    axis_x: np.ndarray  # (columns,) first parameter
    axis_y: np.ndarray  # (rows,) second parameter
    height: np.ndarray  # (rows, columns) the objective, mean over tasks
    theta: np.ndarray  # (2,) where the arrows start
    arrows: dict[str, np.ndarray]  # name -> (2,) a gradient at theta, as computed (not scaled)
    paths: dict[str, np.ndarray] = field(default_factory=dict)  # name -> (steps + 1, 2)
    points: dict[str, np.ndarray] = field(default_factory=dict)  # name -> (2,) e.g. minima
    x_label: str = "first parameter"
    y_label: str = "second parameter"
    title: str = "meta-objective"


@dataclass(frozen=True)
class TrainingTrace:
    """A meta-training run: the meta-loss, and measured checks along the way."""

    learner: str
    steps: np.ndarray  # (records,) meta-steps done
    meta_loss: np.ndarray  # (records,) mean meta-loss since the record before
    checks: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict)
    # inner step -> (meta-steps, mean query error, 95% half-width), on tasks kept for checking
    measure: str = "MSE"  # what the losses are measured in: their axis's label


@dataclass(frozen=True)
class Quiz:
    """One-shot questions for a person: which candidate is the same character as the query?

    Pixels run from 0 for paper to 1 for ink.
    """

    query: np.ndarray  # (questions, height, width) the drawing that is asked about
    support: np.ndarray  # (questions, way, height, width) the candidates
    answer: np.ndarray  # (questions,) the right candidate, 0 to way - 1
    guesses: np.ndarray | None = None  # (questions,) what a model chose, if there is one
    model: str = "the model"  # how to call it

    @property
    def way(self) -> int:
        return self.support.shape[1]

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True)
class Classification:
    """One learner adapting to one N-way task of drawings, at every inner step.

    Images are (…, height, width), 1 for ink and 0 for paper; labels are 0 … way - 1.
    """

    learner: str  # "MAML"
    inner_lr: float | None  # None: a learned rate per parameter
    protocol: str  # whose statistics batch-norm used for the queries: see models.PROTOCOLS
    names: tuple[str, ...]  # (way,) what the labels are called: "A", "B", …
    support_images: np.ndarray  # (way * shots, height, width)
    support_labels: np.ndarray  # (way * shots,)
    query_images: np.ndarray  # (queries, height, width)
    query_labels: np.ndarray  # (queries,)
    probabilities: np.ndarray  # (steps + 1, queries, way) the network's, for every query
    support_loss: np.ndarray  # (steps + 1,) cross-entropy on the support set
    query_loss: np.ndarray  # (steps + 1,) cross-entropy on the query set
    accuracy: np.ndarray  # (steps + 1,) the share of queries whose likeliest label is right

    @property
    def inner_steps(self) -> int:
        return len(self.probabilities) - 1

    @property
    def way(self) -> int:
        return len(self.names)

    @property
    def answers(self) -> np.ndarray:
        """The likeliest label of each query at each step, (steps + 1, queries); -1: not finite."""
        finite = np.isfinite(self.probabilities).all(-1)
        return np.where(finite, np.nan_to_num(self.probabilities, nan=-1).argmax(-1), -1)

    @property
    def right(self) -> np.ndarray:
        """Whether each query is answered rightly at each step, (steps + 1, queries)."""
        return self.answers == self.query_labels


@dataclass(frozen=True)
class Drawings:
    """Some drawings in a row or a grid, each with a few words under it: a part of a Gallery."""

    title: str
    images: np.ndarray  # (n, height, width), 1 for ink and 0 for paper
    captions: tuple[str, ...]  # (n,)
    labels: tuple[int, ...] | None = None  # (n,) gives each the colour of its class
    columns: int = 10  # at most; a narrow page has fewer


@dataclass(frozen=True)
class Gallery:
    """Drawings to look at, such as the support and query set of a task."""

    title: str
    parts: tuple[Drawings, ...]
    summary: str  # what there is to see, in words


@dataclass(frozen=True)
class LandscapeTrace:
    """One task's loss over a plane in the space of a network's parameters, with the paths of
    several tasks that adapt, as far as they lie in the plane. theta is at (0, 0).
    """

    learner: str  # "MAML"
    inner_lr: float | None  # None: a learned rate per parameter
    task: str  # whose loss it is: one of the names in `paths`
    on: str  # which loss: "support" or "query"
    plane: str  # which plane, in words
    axis_x: np.ndarray  # (columns,) along the first direction, in the parameters' own units
    axis_y: np.ndarray  # (rows,) along the second
    height: np.ndarray  # (rows, columns) the loss at each point of the plane
    paths: dict[str, np.ndarray]  # name -> (steps + 1, 2) a task's parameters, in the plane
    share: float  # the share of the squared distances from theta that lies in the plane, 0 to 1
    support_loss: np.ndarray  # (steps + 1,) the task's, at its real parameters
    query_loss: np.ndarray  # (steps + 1,) the same for its query set

    @property
    def inner_steps(self) -> int:
        return len(self.support_loss) - 1


@dataclass(frozen=True)
class Embedding:
    """The features of one N-way task in a plane, and its prototypes by the number of shots.

    Frame k, 0 to the most shots, has seen k drawings of each class; nan stands for what is not yet
    there. The plane is the same in all frames: the one that holds most of the last frame's
    variation.
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
    share: float  # the share of the last frame's variation that this plane holds, 0 to 1

    @property
    def way(self) -> int:
        return len(self.names)

    @property
    def most_shots(self) -> int:
        return len(self.prototypes) - 1

    @property
    def accuracy(self) -> np.ndarray:
        """The share of queries answered rightly in each frame; that of guessing before the first
        drawing: (frames,)."""
        right = (self.answers == self.query_labels).mean(1)
        return np.where((self.answers < 0).all(1), 1 / self.way, right)


@dataclass(frozen=True)
class Drawn:
    """Several learners adapting to the same few drawings, and what each makes of one query, under
    the protocol "support-only". Nobody has said of the query what it is.

    Images are (height, width) as the networks see them, 1 for ink and 0 for paper.
    """

    learners: tuple[str, ...]  # what they are called
    names: tuple[str, ...]  # (way,) what the labels are called: "A", "B", …
    support_images: np.ndarray  # (drawings, height, width)
    support_labels: np.ndarray  # (drawings,)
    query_image: np.ndarray  # (height, width)
    probabilities: np.ndarray  # (learners, steps + 1, way) each one's, for the query
    support_loss: np.ndarray  # (learners, steps + 1) cross-entropy on the support set

    @property
    def inner_steps(self) -> int:
        return self.probabilities.shape[1] - 1

    @property
    def way(self) -> int:
        return len(self.names)

    @property
    def answers(self) -> np.ndarray:
        """The likeliest label by learner and step, (learners, steps + 1); -1 where none is likelier
        than all others by a thousandth, or something is not finite."""
        first, second = np.sort(np.nan_to_num(self.probabilities, nan=0.0), -1)[..., :-3:-1].T
        answer = np.nan_to_num(self.probabilities, nan=0.0).argmax(-1)
        finite = np.isfinite(self.probabilities).all(-1)
        return np.where(finite & ((first - second).T > 1e-3), answer, -1)
