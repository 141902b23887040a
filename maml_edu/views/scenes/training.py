"""The scene of a meta-training run: the meta-loss, and measured checks with their intervals."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.records import TrainingTrace
from maml_edu.views.scenes.style import series


@scene.register
def training(record: TrainingTrace) -> dict:
    """One panel, `training`, in one frame: losses against meta-steps."""
    seen = [record.meta_loss, *(mean for _, mean, _ in record.checks.values())]
    seen = [np.asarray(loss, dtype=float) for loss in seen]
    seen = [loss for loss in seen if loss.size]
    last = max([0.0, *(float(s[-1]) for s in _all_steps(record) if len(s))])
    on = (
        axes.axis("meta-steps", (0.0, 1.02 * last or 1.0), whole=True),
        axes.loss_axis(seen, record.measure),
    )
    drawn = [marks.line("theta", "meta-loss", record.steps, record.meta_loss, on)]
    for i, (inner, (steps, mean, half)) in enumerate(sorted(record.checks.items())):
        drawn.append(marks.band(series(i), steps, mean - half, mean + half, on))
        drawn.append(marks.line(series(i), f"query error, inner step {inner}", steps, mean, on))
        drawn.append(marks.points(series(i), None, steps, mean, on))
    text = _text(record, int(last))
    panel = marks.panel("training", f"Meta-training {record.learner}", *on, drawn, [text])
    if record.checks:
        panel["caption"] = "Shaded: 95% interval of the mean over the checking tasks."
    return finish(f"Meta-training {record.learner}", [panel], [text], "record")


def _all_steps(record: TrainingTrace) -> list[np.ndarray]:
    return [record.steps, *(steps for steps, _, _ in record.checks.values())]


def _text(record: TrainingTrace, last: int) -> str:
    text = f"Meta-training {record.learner} for {last} meta-steps."
    if len(record.meta_loss):
        first, end = marks.said(record.meta_loss[0]), marks.said(record.meta_loss[-1])
        text += f" Meta-loss from {first} to {end}."
    for inner, (_, mean, half) in sorted(record.checks.items()):
        if len(mean):
            text += f" Query error at inner step {inner} in the end: "
            text += f"{marks.said(mean[-1])}, plus or minus {marks.said(half[-1])}."
    return text
