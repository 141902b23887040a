"""Data to draw tasks from: Omniglot, fetched or read from a folder, or a stand-in; other data sets.

`load_drawings` gives Omniglot's drawings, and `maml_edu.tasks.OmniglotTasks` draws tasks from them.
A `DataSet` names the released files of another one, and reads them.
"""

from maml_edu.tasks.data.datasets import CARRIED, DataSet, or_stand_in
from maml_edu.tasks.data.drawings import DataError, Drawings, cache_folder
from maml_edu.tasks.data.folders import read_pictures
from maml_edu.tasks.data.load import StandInWarning, data_folders, load_drawings
from maml_edu.tasks.data.remote import Remote

__all__ = [
    "CARRIED",
    "DataError",
    "DataSet",
    "Drawings",
    "Remote",
    "StandInWarning",
    "cache_folder",
    "data_folders",
    "load_drawings",
    "or_stand_in",
    "read_pictures",
]
