"""Drawings of characters: Omniglot, fetched or read from a folder, or a stand-in for it.

`load_drawings` gives them, and `maml_edu.tasks.OmniglotTasks` draws tasks from them.
"""

from maml_edu.tasks.data.drawings import DataError, Drawings, cache_folder
from maml_edu.tasks.data.folders import read_pictures
from maml_edu.tasks.data.load import StandInWarning, load_drawings

__all__ = [
    "DataError", "Drawings", "StandInWarning", "cache_folder", "load_drawings", "read_pictures",
]  # fmt: skip
