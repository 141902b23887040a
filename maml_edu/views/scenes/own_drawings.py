"""The scene of learners that adapt to drawings: what each makes of the query at each inner step."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.adaptation import divergence_notes, until
from maml_edu.views.scenes.records import Drawn
from maml_edu.views.scenes.style import series


@scene.register
def own_drawings(record: Drawn) -> dict:
    """Panels `answers` and `support` (main), and `losses`; a frame per inner step."""
    title = f"{record.way} ways, {len(record.support_labels)} drawings, support-only batch-norm"
    panels = [answers(record), support(record), losses(record)]
    steps = range(record.inner_steps + 1)
    return finish(title, panels, [_summary(record, step) for step in steps])


def answers(record: Drawn) -> dict:
    """The query once for each learner, with the probability of each label beside it."""
    frames = [
        {
            "bars": [[axes.short(p, 3) or 0.0 for p in row] for row in chances],
            "captions": [_told(record, i, step) for i in range(len(record.learners))],
        }
        for step, chances in enumerate(record.probabilities.swapaxes(0, 1))
    ]
    images = np.repeat(record.query_image[None], len(record.learners), 0)
    mark = marks.images("query", images, frames[0]["captions"], columns=2, frames=frames,
                        names=record.names) | {"large": True}  # fmt: skip
    alt = [f"Inner step {step}: {_said(record, step)}." for step in range(record.inner_steps + 1)]
    return marks.gallery("answers", "The query, and what each takes it for", mark, alt)


def support(record: Drawn) -> dict:
    """The support set as the networks see it."""
    labels = record.support_labels.tolist()
    captions = [record.names[label] for label in labels]
    mark = marks.images("support", record.support_images, captions, labels=labels)
    alt = [f"{len(labels)} support drawings, labelled {', '.join(captions)}."]
    side = record.support_images.shape[-1]
    title = f"Support, as the networks see it: {side} x {side} pixels"
    return marks.gallery("support", title, mark, alt * (record.inner_steps + 1))


def losses(record: Drawn) -> dict:
    """Each learner's loss on the support set against the inner step."""
    steps, each = np.arange(record.inner_steps + 1), list(record.support_loss)
    on = axes.step_axis(record.inner_steps), axes.loss_axis(each, "nats")
    gone = first_diverged(record)
    drawn = [
        marks.trail(series(i), name, steps, until(gone, loss), on,
                    readout=[marks.said(v) for v in loss])
        for i, (name, loss) in enumerate(zip(record.learners, each, strict=True))
    ]  # fmt: skip
    alt = [
        "Support loss at inner step {}: {}.".format(
            step,
            "; ".join(f"{n} {marks.said(v)}" for n, v in zip(record.learners, now, strict=True)),
        )
        for step, now in enumerate(record.support_loss.T)
    ]
    notes = divergence_notes(gone, len(steps))
    title = "Support loss (cross-entropy)"
    return marks.panel("losses", title, *on, drawn, alt, place="side", notes=notes)


def first_diverged(record: Drawn) -> int | None:
    """The first inner step with a loss over 100 times that at theta, or not finite; or None."""
    gone = ~(record.support_loss <= axes.loss_cap(list(record.support_loss))).all(0)
    return int(np.argmax(gone)) if gone.any() else None


def _told(record: Drawn, learner: int, step: int) -> str:
    """What a learner says: "meta-trained: B 93%"."""
    name, answer = record.learners[learner], record.answers[learner, step]
    if answer < 0:
        return f"{name}: cannot say"
    sure = record.probabilities[learner, step, answer]
    return f"{name}: {record.names[answer]} {100 * sure:.0f}%"


def _said(record: Drawn, step: int) -> str:
    """The probabilities of all labels, by learner, in words."""
    parts = []
    for i, name in enumerate(record.learners):
        chances = zip(record.names, record.probabilities[i, step], strict=True)
        listed = ", ".join(f"{n} {100 * p:.0f}%" if np.isfinite(p) else f"{n} not finite"
                           for n, p in chances)  # fmt: skip
        parts.append(f"{name}: {listed}")
    return "; ".join(parts)


def _summary(record: Drawn, step: int) -> str:
    steps = "before adapting" if step == 0 else f"after {step} inner step{'s' * (step > 1)}"
    said = "; ".join(_told(record, i, step) for i in range(len(record.learners)))
    losses = ", ".join(
        f"{name} {marks.said(v)}"
        for name, v in zip(record.learners, record.support_loss[:, step], strict=True)
    )
    note = divergence_notes(first_diverged(record), step + 1)[step]
    text = f"The query, {steps}: {said}. Support loss: {losses}."
    return f"{text} {note.capitalize()}." if note else text
