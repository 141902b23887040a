"""The reader's own drawings: strokes, drawings, and sets of them for a task."""

from maml_edu.views.drawing import files, strokes
from maml_edu.views.drawing.drawing_set import (
    NAMES,
    SHOTS,
    WAYS,
    Drawing,
    DrawingSet,
    read_drawing_set,
)

__all__ = [
    "NAMES",
    "SHOTS",
    "WAYS",
    "Drawing",
    "DrawingSet",
    "files",
    "read_drawing_set",
    "strokes",
]
