"""The scene of one learner adapting to drawings: each query's probabilities at each inner step."""

from __future__ import annotations

import math

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.adaptation import divergence_notes, until
from maml_edu.views.scenes.records import Classification

QUERY_COLUMNS, QUERY_ROWS = 5, 3
SUPPORT_COLUMNS, SUPPORT_ROWS = 10, 3
RIGHT, WRONG = "✓", "✗"
CAPTION = (
    f"Under each drawing: its label; {RIGHT} where the likeliest label is this one, else {WRONG} "
    "and the likeliest; its probability."
)


@scene.register
def classification(record: Classification) -> dict:
    """Panels `support` and `queries` (main), `losses` and `accuracy`; a frame per inner step."""
    panels = [support(record), queries(record), losses(record), accuracy(record)]
    rate = "learned inner_lr" if record.inner_lr is None else f"inner_lr {record.inner_lr:.3g}"
    shots = len(record.support_labels) // record.way
    title = f"{record.learner}, {record.way}-way {shots}-shot, {rate}, {record.protocol} batch-norm"
    steps = range(record.inner_steps + 1)
    return finish(title, panels, [_summary(record, step) for step in steps])


def support(record: Classification) -> dict:
    """The support drawings over their labels; where there are many, some of each class."""
    shots = len(record.support_labels) // record.way
    each = max(1, min(shots, SUPPORT_COLUMNS * SUPPORT_ROWS // record.way))
    shown = one_of_each_in_turn(record.support_labels, each * record.way)
    shown = sorted(shown, key=lambda i: (record.support_labels[i], i))
    labels = record.support_labels[shown]
    captions = [record.names[label] for label in labels]
    columns = _columns(len(shown), each)
    mark = marks.images("support", record.support_images[shown], captions, labels=labels,
                        columns=columns)  # fmt: skip
    title = "Support: one drawing of each"
    if len(record.support_labels) > record.way:
        title = "Support: the labelled drawings"
    if len(shown) < len(record.support_labels):
        title += f" ({len(shown)} of {len(record.support_labels)})"
    alt = f"{len(shown)} support drawings, labelled {', '.join(captions)}."
    return marks.gallery("support", title, mark, [alt] * len(record.probabilities))


def _columns(shown: int, each: int) -> int:
    """Columns that keep a class in one row, or else make the rows alike."""
    if each > 1:
        return SUPPORT_COLUMNS // each * each
    return math.ceil(shown / math.ceil(shown / SUPPORT_COLUMNS))


def queries(record: Classification) -> dict:
    """Query drawings, the probability of each class beside them, and whether that is right."""
    shown = one_of_each_in_turn(record.query_labels, QUERY_COLUMNS * QUERY_ROWS)
    labels = record.query_labels[shown]
    frames = [
        {
            "bars": [[axes.short(p, 3) or 0.0 for p in row] for row in chances],
            "captions": [_told(record, step, i) for i in shown],
            "right": record.right[step, shown].tolist(),
        }
        for step, chances in enumerate(record.probabilities[:, shown])
    ]
    columns = min(record.way, QUERY_COLUMNS)
    mark = marks.images("query", record.query_images[shown], frames[0]["captions"], labels=labels,
                        columns=columns, frames=frames, names=record.names)  # fmt: skip
    title = "Queries: the probability of each label"
    if len(shown) < len(record.query_labels):
        title += f" ({len(shown)} of {len(record.query_labels)} queries)"
    alt = [
        f"{len(shown)} query drawings at inner step {step}: {'; '.join(frame['captions'])}."
        for step, frame in enumerate(frames)
    ]
    return marks.gallery("queries", title, mark, alt, caption=CAPTION)


def one_of_each_in_turn(labels: np.ndarray, most: int) -> list[int]:
    """Indices of at most so many samples: the first of each class, then the second of each, …"""
    seen: dict[int, int] = {}
    order = []
    for i, label in enumerate(labels.tolist()):
        order.append((seen.get(label, 0), label, i))
        seen[label] = seen.get(label, 0) + 1
    return [i for *_, i in sorted(order)][:most]


def _told(record: Classification, step: int, query: int) -> str:
    """What a query is, and what the network says: "C ✓ 93%", "C ✗ B 61%"."""
    name, answer = record.names[record.query_labels[query]], record.answers[step, query]
    if answer < 0:
        return f"{name} {WRONG} not finite"
    sure = f"{100 * record.probabilities[step, query, answer]:.0f}%"
    right = answer == record.query_labels[query]
    return f"{name} {RIGHT} {sure}" if right else f"{name} {WRONG} {record.names[answer]} {sure}"


def losses(record: Classification) -> dict:
    """Support and query loss against the inner step."""
    named = {"support": record.support_loss, "query": record.query_loss}
    steps, gone = np.arange(record.inner_steps + 1), first_diverged(record)
    on = axes.step_axis(record.inner_steps), axes.loss_axis(list(named.values()), "nats")
    drawn = [
        marks.trail(role, role, steps, until(gone, loss), on,
                    readout=[marks.said(v) for v in loss])
        for role, loss in named.items()
    ]  # fmt: skip
    alt = [
        f"Support loss {marks.said(a)} and query loss {marks.said(b)} at inner step {step}."
        for step, (a, b) in enumerate(zip(*named.values(), strict=True))
    ]
    notes = divergence_notes(gone, len(steps))
    return marks.panel("losses", "Loss (cross-entropy)", *on, drawn, alt, place="side", notes=notes)


def first_diverged(record: Classification) -> int | None:
    """The first inner step with a loss over 100 times that at theta, or not finite; or None."""
    both = [record.support_loss, record.query_loss]
    gone = ~(np.maximum(*both) <= axes.loss_cap(both))
    return int(np.argmax(gone)) if gone.any() else None


def accuracy(record: Classification) -> dict:
    """The share of queries answered rightly against the inner step, over that of guessing."""
    steps = np.arange(record.inner_steps + 1)
    on = axes.step_axis(record.inner_steps), axes.axis("share right", (0.0, 1.04))
    guess = np.full(2, 1 / record.way)
    readout = [f"{100 * share:.0f}%" for share in record.accuracy]
    drawn = [
        marks.line("theta", "guessing", np.array(on[0]["domain"]), guess, on),
        marks.trail("adapted", "queries right", steps, record.accuracy, on, readout=readout),
    ]
    alt = [f"{said} of the queries are right at inner step {i}." for i, said in enumerate(readout)]
    return marks.panel("accuracy", "Accuracy", *on, drawn, alt, place="side")


def _summary(record: Classification, step: int) -> str:
    n = len(record.query_labels)
    steps = "before adapting" if step == 0 else f"after {step} inner step{'s' * (step > 1)}"
    text = (
        f"{record.learner}, {steps}: {int(record.right[step].sum())} of {n} queries right; "
        f"query loss {marks.said(record.query_loss[step])}, "
        f"support loss {marks.said(record.support_loss[step])}"
    )
    note = divergence_notes(first_diverged(record), step + 1)[step]
    return f"{text}; {note}." if note else f"{text}."
