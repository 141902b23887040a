"""A scene: what there is to see in a record, said in plain data, drawn by `plots` and the player.

`scene(record)` returns a dict that survives JSON (no NaN, no arrays)::

    {"title": str, "frames": int, "frame_label": "inner step",
     "panels": [{"id", "title", "place": "main" | "side",
                 "x": axis, "y": axis, "equal": bool,
                 "marks": [mark, ...], "notes": [str | None per frame], "alt": [str per frame]}],
     "summary": [str per frame],            # the text alternative of the whole picture
     "style": {role: look}}                 # from `maml_edu.views.scenes.style`

An axis is `{"label", "domain": [low, high], "scale": "linear" | "log", "whole": bool}` and holds
for every frame: the curve is seen to move, not the axes. A mark, `{"kind", "role", "name", ...}`,
is one of::

    line    x, y              a polyline; None breaks it
    band    x, low, high      an interval around a line
    lines   lines             many thin polylines, [[[x, y], ...], ...]: contours
    points  x, y              markers
    trail   x, y              one position per frame: the way so far solid, the rest faint
    arrow   x, y, dx, dy      from (x, y), in the axes' units
    images  images, captions  a grid of small drawings, in at most `columns` columns; alone in a
                              panel without axes (its `x` and `y` are None), see `marks.images`;
                              with `large` they are given more room

A mark with `frames`, one dict per frame, has its data overridden by that frame's. A mark without a
`name` is not in the legend. A new kind of lesson adds a mark here and a drawing of it in
`plots/marks.py` and `widgets/js/src/marks.js`; nothing else changes.
"""

from __future__ import annotations

from functools import singledispatch

from maml_edu.views.scenes import style


@singledispatch
def scene(record: object) -> dict:
    """The scene of a record from `maml_edu.views.scenes.records`; TypeError for anything else."""
    raise TypeError(
        f"record is a {type(record).__name__}; allowed are the records of views.scenes, "
        "e.g. an AdaptationTrace"
    )


def finish(
    title: str, panels: list[dict], summary: list[str], frame_label: str = "inner step"
) -> dict:
    """Assemble a scene: one frame per entry of `summary`, and the looks its marks ask for."""
    drawn = [mark for panel in panels for mark in panel["marks"]]
    roles = {role for mark in drawn for role in (mark["role"], *mark.get("classes", ()))}
    return {
        "title": title,
        "frames": len(summary),
        "frame_label": frame_label,
        "panels": panels,
        "summary": summary,
        "style": style.as_json(roles),
    }


def describe(record: object, step: int | None = None) -> str:
    """The picture of `record` at inner step `step` (None: the last) in words."""
    summary = scene(record)["summary"]
    return summary[check_step(step, len(summary))]


def check_step(step: int | None, frames: int) -> int:
    """`step` as an index into `frames` pictures; ValueError when there is no such step."""
    if step is None:
        return frames - 1
    if not 0 <= step < frames:
        raise ValueError(f"step is {step}; allowed are 0 to {frames - 1}")
    return int(step)


# Importing them registers each record's scene.
from maml_edu.views.scenes import (  # noqa: E402
    adaptation,  # noqa: F401
    classification,  # noqa: F401
    comparison,  # noqa: F401
    embedding,  # noqa: F401
    gallery,  # noqa: F401
    landscape,  # noqa: F401
    own_drawings,  # noqa: F401
    plane,  # noqa: F401
    training,  # noqa: F401
)
