"""The scene of drawings to look at: a panel for each part, no frames to move through."""

from __future__ import annotations

from maml_edu.views.scenes import finish, marks, scene
from maml_edu.views.scenes.records import Gallery


@scene.register
def gallery(record: Gallery) -> dict:
    """One panel a part, `part-0`, `part-1`, …, below each other."""
    if not record.parts:
        raise ValueError("parts is empty; a gallery needs at least one part")
    panels = []
    for i, part in enumerate(record.parts):
        options = {"labels": part.labels, "columns": part.columns}
        mark = marks.images("contour", part.images, part.captions, **options)
        alt = f"{len(part.images)} drawings: {', '.join(part.captions)}."
        panels.append(marks.gallery(f"part-{i}", part.title, mark, [alt]))
    return finish(record.title, panels, [record.summary], "picture")
