"""The scene of features in a plane: queries, support drawings, and prototypes that settle."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.records import Embedding
from maml_edu.views.scenes.style import sample, series

CAPTION = (
    "Large: prototypes, and the way they came.\n"
    "Small and filled: support drawings; hollow: queries."
)


@scene.register
def embedding(record: Embedding) -> dict:
    """Panels `features` (main), `accuracy` and `drawings`; a frame per number of shots, from 0."""
    frames = range(record.most_shots + 1)
    panels = [_features(record), _accuracy(record), _drawings(record)]
    title = f"{record.learner}, {record.way}-way, {record.protocol} batch-norm"
    return finish(title, panels, [_summary(record, shots) for shots in frames], "shots")


def _features(record: Embedding) -> dict:
    on = _square(record)
    drawn = []
    for label in range(record.way):
        own = record.query_labels == label
        drawn.append(_moving(sample(label, "query"), record.query[:, own], on))
        drawn.append(_moving(sample(label, "support"), record.support[:, label], on))
    for label, name in enumerate(record.names):
        x, y = record.prototypes[:, label].T
        own = record.query_labels == label
        right = (record.answers == label)[:, own].sum(1)
        readout = [f"{n} of {own.sum()} right" for n in right]
        readout[0] = "not seen yet"
        drawn.append(marks.trail(series(label), name, x, y, on, readout=readout))
    alt = [_alt(record, shots) for shots in range(record.most_shots + 1)]
    panel = marks.panel("features", "Features in a plane", *on, drawn, alt, equal=True)
    return {**panel, "caption": CAPTION}


def _moving(role: str, at: np.ndarray, on: tuple[dict, dict]) -> dict:
    """Markers at (frames, samples, 2)."""
    frames = [{"x": axes.numbers(x, on[0]), "y": axes.numbers(y, on[1])} for x, y in
              (frame.T for frame in at)]  # fmt: skip
    return {"kind": "points", "role": role, "name": None, **frames[0], "frames": frames}


def _square(record: Embedding) -> tuple[dict, dict]:
    """Axes of one scale and length that hold all that is ever drawn."""
    seen = np.concatenate([part.reshape(-1, 2) for part in (record.support, record.query)])
    low, high = np.nanmin(seen, 0), np.nanmax(seen, 0)
    middle, half = (low + high) / 2, 0.55 * max((high - low).max(), 1e-6)
    holds = f"(this plane holds {100 * record.share:.2g}% of the variation)"
    return tuple(
        axes.axis(label, (at - half, at + half))
        for label, at in ((f"direction 1 {holds}", middle[0]), ("direction 2", middle[1]))
    )


def _accuracy(record: Embedding) -> dict:
    """The share of queries nearest to their own prototype against shots, over that of guessing."""
    shots = np.arange(record.most_shots + 1)
    on = axes.step_axis(record.most_shots, "shots"), axes.axis("share right", (0.0, 1.04))
    guess = np.full(2, 1 / record.way)
    readout = [f"{100 * share:.0f}%" for share in record.accuracy]
    drawn = [
        marks.line("theta", "guessing", np.array(on[0]["domain"]), guess, on),
        marks.trail("adapted", "queries right", shots, record.accuracy, on, readout=readout),
    ]
    alt = [f"{said} of the queries are right with {_shots(i)}." for i, said in enumerate(readout)]
    return marks.panel("accuracy", "Accuracy", *on, drawn, alt, place="side")


def _drawings(record: Embedding) -> dict:
    labels = range(record.way)
    mark = marks.images("support", record.images, record.names, labels=labels, columns=record.way)
    alt = f"The first support drawing of each class: {', '.join(record.names)}."
    frames = record.most_shots + 1
    return marks.gallery("drawings", "First drawing of each", mark, [alt] * frames, place="side")


def _shots(shots: int) -> str:
    return f"{shots} shot{'s' * (shots != 1)} of each class"


def _alt(record: Embedding, shots: int) -> str:
    queries = f"The features of {len(record.query_labels)} queries"
    if shots == 0:
        return f"{queries}; no prototypes yet."
    at = ", ".join(
        f"{name} at ({marks.said(x)}, {marks.said(y)})"
        for name, (x, y) in zip(record.names, record.prototypes[shots] + 0.0, strict=True)
    )
    return f"{queries}, and prototypes of {_shots(shots)}: {at}."


def _summary(record: Embedding, shots: int) -> str:
    if shots == 0:
        return f"{record.learner} before any drawing: it can only guess. {_alt(record, shots)}"
    n, right = len(record.query_labels), int((record.answers == record.query_labels)[shots].sum())
    return f"{record.learner}, {_shots(shots)}: {right} of {n} queries right. {_alt(record, shots)}"
