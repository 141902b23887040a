"""Data sets beside Omniglot: released files, found in a folder or in this package, or fetched."""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from maml_edu.foundation.files import FileError, read_whole
from maml_edu.tasks.data.drawings import DataError, cache_folder
from maml_edu.tasks.data.load import StandInWarning, data_folders
from maml_edu.tasks.data.remote import MAX_BYTES, Remote

CARRIED = Path(__file__).parent / "carried"  # small files that may be redistributed, by data set
Data = TypeVar("Data")


@dataclass(frozen=True)
class DataSet:
    """A data set as its authors released it.

    name: of the folder that holds its files, such as "clinc150". files: each by its name, with its
    address and digest. licence, citation: one line each, for people.
    """

    name: str
    files: Mapping[str, Remote]
    licence: str
    citation: str

    def read(
        self, source: str | os.PathLike = "auto", *, progress: bool = True
    ) -> dict[str, bytes]:
        """The content of each file, by its name, checked by its digest.

        source: "auto" takes the first that has the files of: the folders that the environment
            variable MAML_EDU_DATA names and their subfolders called `name`; this package; the
            release. "release" is the release, fetched once into the cache. Else, a folder with the
            files, or with such a subfolder. Default: "auto".
        progress: show bars while fetching. Default: True.
        Raises DataError.
        """
        if source == "auto":
            places = [*data_folders(), CARRIED]
            folder = next((found for place in places if (found := self._within(place))), None)
        elif source == "release":
            folder = None
        else:
            place = Path(source).expanduser().absolute()
            if (folder := self._within(place)) is None:
                wanted = ", ".join(self.files)
                raise DataError(f"the data folder {place} has no {self.name}; it needs {wanted}")
        if folder is None:
            from maml_edu.tasks.data.fetch import fetch  # slow to import, and seldom needed

            folder = cache_folder() / self.name
            fetch(folder, self.files, progress=progress)
        return {name: self._read(folder / name) for name in self.files}

    def _within(self, place: Path) -> Path | None:
        """The folder with all files: `place`, or its subfolder of this data set's name."""
        both = place / self.name, place
        return next((f for f in both if all((f / name).is_file() for name in self.files)), None)

    def _read(self, path: Path) -> bytes:
        try:
            content = read_whole(path, MAX_BYTES)
        except FileError as error:
            raise DataError(str(error)) from error
        if not self.files[path.name].is_that_of(content):
            raise DataError(f"{path} is not the released file of {self.name}: its digest differs")
        return content


def or_stand_in(real: Callable[[], Data], stand_in: Callable[[], Data], what: str) -> Data:
    """What `real` gives or, where that raises DataError, what `stand_in` gives, with a
    StandInWarning that says why. what: the data's name in that sentence."""
    try:
        return real()
    except DataError as error:
        warnings.warn(
            f"{error}. Made-up data stand in for {what}: no figure from them is {what}'s",
            StandInWarning,
            stacklevel=2,
        )
        return stand_in()
