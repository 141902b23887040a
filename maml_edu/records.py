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
    path_share: float  # the share of the motion's squared length that this plane holds, 0 to 1

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
