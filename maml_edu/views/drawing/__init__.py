"""The reader's own drawings: strokes, drawings, and sets of them for a task."""

from maml_edu.views.drawing import files, strokes
from maml_edu.views.drawing.drawing_set import Drawing, DrawingSet

__all__ = ["Drawing", "DrawingSet", "files", "strokes"]
