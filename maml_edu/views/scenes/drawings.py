"""Learners adapting to a reader's own drawings, and their answers to a query at each inner step."""

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import shared
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Images
from maml_edu.views.scenes.shared import fmt_percent, fmt_step
from maml_edu.views.scenes.style import series


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
    def answers(self) -> np.ndarray:
        """The likeliest label by learner and step, (learners, steps + 1); -1 where none is likelier
        than all others by a thousandth, or something is not finite."""
        return shared.likeliest(self.probabilities, by=1e-3)


@scene.register
def drawings_scene(trace: DrawingsTrace) -> Scene:
    """Panels `answers` and `support` (main), and `losses`; a frame per inner step."""
    gone = shared.first(shared.too_high(list(trace.support_loss)))
    notes = shared.divergence_notes(gone, trace.support_loss.shape[1])
    named = enumerate(zip(trace.learners, trace.support_loss, strict=True))
    losses = [(series(i), name, loss) for i, (name, loss) in named]
    options = {"measure": shared.CROSS_ENTROPY, "gone": gone, "notes": notes}
    losses = shared.loss_panel(losses, what="Support loss", **options)
    learners, steps = range(len(trace.learners)), range(len(notes))
    said = [[_answer(trace, i, step) for i in learners] for step in steps]
    summary = [
        f"The query, {fmt_step(step)}: {'; '.join(said[step])}. {losses.alt[step]}"
        for step in steps
    ]
    title = f"{len(trace.names)} ways, {len(trace.support_labels)} drawings"
    panels = [_answers(trace, said), _support(trace), losses]
    return Scene(f"{title}, support-only batch-norm", panels, shared.with_notes(summary, notes))


def _answers(trace: DrawingsTrace, said: list[list[str]]) -> Panel:
    """The query once for each learner, with the probability of each label beside it."""
    images = np.repeat(trace.query_image[None], len(trace.learners), 0)
    bars = trace.probabilities.swapaxes(0, 1)
    words = {"names": trace.names, "large": True}
    mark = Images("query", None, images, said, columns=2, bars=bars, **words)
    alt = []
    for step, rows in enumerate(bars):
        each = []
        for learner, row in zip(trace.learners, rows, strict=True):
            chances = [f"{name} {fmt_percent(p)}" for name, p in zip(trace.names, row, strict=True)]
            each.append(f"{learner}: {', '.join(chances)}")
        alt.append(f"Inner step {step}: {'; '.join(each)}.")
    return Panel("answers", "The query, and what each takes it for", [mark], alt)


def _support(trace: DrawingsTrace) -> Panel:
    """The support set as the networks see it."""
    captions = [trace.names[label] for label in trace.support_labels]
    mark = Images("support", None, trace.support_images, [captions], trace.support_labels)
    alt = f"{len(captions)} support drawings, labelled {', '.join(captions)}."
    side = trace.support_images.shape[-1]
    title = f"Support, as the networks see it: {side} x {side} pixels"
    return Panel("support", title, [mark], [alt] * trace.support_loss.shape[1])


def _answer(trace: DrawingsTrace, learner: int, step: int) -> str:
    """What a learner says: "meta-trained: B 93%"."""
    name, answer = trace.learners[learner], trace.answers[learner, step]
    if answer < 0:
        return f"{name}: cannot say"
    sure = fmt_percent(trace.probabilities[learner, step, answer])
    return f"{name}: {trace.names[answer]} {sure}"
