"""The reader's own drawings: strokes, drawings, and sets of them for a task."""
