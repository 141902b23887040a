"""A meta-training run: the meta-loss, and measured checks with their intervals."""

from dataclasses import dataclass, field

import numpy as np

from maml_edu.views.scenes.axis import Axis, finite_range, loss_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Band, Line, Mark, Points
from maml_edu.views.scenes.shared import fmt
from maml_edu.views.scenes.style import series


@dataclass(frozen=True)
class TrainingTrace:
    """A meta-training run: the meta-loss, and measured checks along the way."""

    learner: str
    steps: np.ndarray  # (entries,) meta-steps done
    meta_loss: np.ndarray  # (entries,) mean meta-loss since the entry before
    checks: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict)
    # inner step -> (meta-steps, mean query error, 95% half-width), on tasks kept for checking
    measure: str = "MSE"  # what the losses are measured in: their axis's label


@scene.register
def training_scene(trace: TrainingTrace) -> Scene:
    """One panel, `training`, in one frame: losses against meta-steps."""
    checks = sorted(trace.checks.items())
    last = finite_range(np.zeros(1), trace.steps, *(at for _, (at, _, _) in checks))[1]
    losses = [trace.meta_loss, *(mean for _, (_, mean, _) in checks)]
    losses = [np.asarray(loss, dtype=float) for loss in losses if len(loss)]
    x = Axis("meta-steps", (0.0, 1.02 * last or 1.0), whole=True)
    title = f"Meta-training {trace.learner}"
    text = f"{title} for {last:.0f} meta-steps."
    if len(trace.meta_loss):
        text += f" Meta-loss from {fmt(trace.meta_loss[0])} to {fmt(trace.meta_loss[-1])}."
    marks: list[Mark] = [Line("theta", "meta-loss", trace.steps, trace.meta_loss)]
    for i, (inner, (at, mean, half)) in enumerate(checks):
        with np.errstate(invalid="ignore", over="ignore"):
            marks.append(Band(series(i), None, at, mean - half, mean + half))
        marks.append(Line(series(i), f"query error, inner step {inner}", at, mean))
        marks.append(Points(series(i), None, at, mean))
        if len(mean):
            end = f"{fmt(mean[-1])}, plus or minus {fmt(half[-1])}"
            text += f" Query error at inner step {inner} in the end: {end}."
    caption = "Shaded: 95% interval of the mean over the checking tasks." if checks else None
    axes = x, loss_axis(losses, trace.measure)
    panel = Panel("training", title, marks, [text], *axes, caption=caption)
    return Scene(title, [panel], [text], "picture")
