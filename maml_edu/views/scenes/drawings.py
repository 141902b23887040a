"""Learners adapting to a reader's own drawings, and their answers to a query at each inner step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.divergence import divergence_notes, first, too_high, with_notes
from maml_edu.views.scenes.marks import Images
from maml_edu.views.scenes.panels import CROSS_ENTROPY, loss_panel
from maml_edu.views.scenes.style import series
from maml_edu.views.scenes.words import fmt, fmt_percent, fmt_step


@dataclass(frozen=True)
class DrawingsTrace:
    """Several learners adapting to the same few drawings, and classifying one query.

    The protocol is "support-only", and the query has no label. Images are (height, width) as the
    networks see them, 1 for ink and 0 for paper.
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
        known = np.nan_to_num(self.probabilities, nan=0.0)
        second, likeliest = np.moveaxis(np.sort(known, -1)[..., -2:], -1, 0)
        clear = np.isfinite(self.probabilities).all(-1) & (likeliest - second > 1e-3)
        return np.where(clear, known.argmax(-1), -1)


@scene.register
def drawings_scene(trace: DrawingsTrace) -> Scene:
    """Panels `answers` and `support` (main), and `losses`; a frame per inner step."""
    gone = first(too_high(list(trace.support_loss)))
    notes = divergence_notes(gone, trace.inner_steps + 1)
    title = f"{trace.way} ways, {len(trace.support_labels)} drawings, support-only batch-norm"
    panels = [_answers(trace), _support(trace), _losses(trace, gone, notes)]
    summary = [_summary(trace, step) for step in range(len(notes))]
    return Scene(title, panels, with_notes(summary, notes))


def _answers(trace: DrawingsTrace) -> Panel:
    """The query once for each learner, with the probability of each label beside it."""
    learners, steps = range(len(trace.learners)), range(trace.inner_steps + 1)
    mark = Images(
        "query",
        None,
        np.repeat(trace.query_image[None], len(learners), 0),
        [[_answer(trace, i, step) for i in learners] for step in steps],
        columns=2,
        bars=trace.probabilities.swapaxes(0, 1),
        names=trace.names,
        large=True,
    )
    alt = [f"Inner step {step}: {_all_probabilities(trace, step)}." for step in steps]
    return Panel("answers", "The query, and what each takes it for", [mark], alt)


def _support(trace: DrawingsTrace) -> Panel:
    """The support set as the networks see it."""
    captions = [trace.names[label] for label in trace.support_labels]
    mark = Images("support", None, trace.support_images, [captions], trace.support_labels)
    alt = f"{len(captions)} support drawings, labelled {', '.join(captions)}."
    side = trace.support_images.shape[-1]
    title = f"Support, as the networks see it: {side} x {side} pixels"
    return Panel("support", title, [mark], [alt] * (trace.inner_steps + 1))


def _losses(trace: DrawingsTrace, gone: int | None, notes: list[str | None]) -> Panel:
    """Each learner's loss on the support set against the inner step."""
    named = zip(trace.learners, trace.support_loss, strict=True)
    losses = [(series(i), *loss) for i, loss in enumerate(named)]
    options = {"measure": CROSS_ENTROPY, "gone": gone, "notes": notes}
    return loss_panel(losses, what="Support loss", **options)


def _answer(trace: DrawingsTrace, learner: int, step: int) -> str:
    """What a learner says: "meta-trained: B 93%"."""
    name, answer = trace.learners[learner], trace.answers[learner, step]
    if answer < 0:
        return f"{name}: cannot say"
    sure = fmt_percent(trace.probabilities[learner, step, answer])
    return f"{name}: {trace.names[answer]} {sure}"


def _all_probabilities(trace: DrawingsTrace, step: int) -> str:
    """The probabilities of all labels, by learner, in words."""
    parts = []
    for name, row in zip(trace.learners, trace.probabilities[:, step], strict=True):
        chances = zip(trace.names, row, strict=True)
        parts.append(f"{name}: " + ", ".join(f"{label} {fmt_percent(p)}" for label, p in chances))
    return "; ".join(parts)


def _summary(trace: DrawingsTrace, step: int) -> str:
    answers = "; ".join(_answer(trace, i, step) for i in range(len(trace.learners)))
    now = zip(trace.learners, trace.support_loss[:, step], strict=True)
    losses = ", ".join(f"{name} {fmt(loss)}" for name, loss in now)
    return f"The query, {fmt_step(step)}: {answers}. Support loss: {losses}."
