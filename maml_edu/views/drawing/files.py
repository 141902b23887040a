"""A set of drawings on disk: a small JSON file."""

import json
import os
from pathlib import Path

from maml_edu.foundation.files import MAX_JSON, parse_object, read_whole, write_whole
from maml_edu.views.drawing.drawing_set import DrawingSet, read_drawing_set


def save(path: str | os.PathLike, drawings: DrawingSet) -> None:
    """Write the set to a file, completely or not at all; ValueError if it cannot be written."""
    text = json.dumps(drawings.as_json(), allow_nan=False, separators=(",", ":")) + "\n"
    try:
        write_whole(Path(path), text.encode())
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror or error})") from error


def load(path: str | os.PathLike) -> DrawingSet:
    """The set of drawings in a file of at most a megabyte; ValueError that names what is wrong."""
    value = parse_object(read_whole(Path(path), MAX_JSON), Path(path))
    try:
        return read_drawing_set(value)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
