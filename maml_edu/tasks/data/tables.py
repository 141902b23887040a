"""Tables: a CSV file with a line of names, or columns that are in memory already."""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maml_edu.foundation.checks import InputError, one_of
from maml_edu.tasks.data.drawings import DataError

Table = Mapping[str, Any]  # column -> values, or a data frame


def read_table(table: str | os.PathLike | Table) -> Table:
    """The columns of a CSV file, as texts, by the names in its first line; a table stays itself.

    Raises DataError for a file that cannot be read, or a line with too many or too few fields.
    """
    if not isinstance(table, str | os.PathLike):
        return table
    file = Path(table).expanduser()
    try:
        with open(file, newline="", encoding="utf-8-sig") as opened:
            names, *rows = csv.reader(opened)
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or f"it is no CSV file in UTF-8 ({error})"
        raise DataError(f"{file} cannot be read: {reason}") from error
    rows = [row for row in rows if row]
    for line, row in enumerate(rows, start=2):
        if len(row) != len(names):
            said = f"line {line} has {len(row)} fields and the first line {len(names)}"
            raise DataError(f"{file}: {said}; is the separator a comma?")
    return {name.strip(): [row[i].strip() for row in rows] for i, name in enumerate(names)}


def column(table: Table, name: str) -> np.ndarray:
    """One column, (rows,). Raises InputError where there is none of this name."""
    try:
        return np.asarray(table[name])
    except (KeyError, ValueError, IndexError) as error:
        known = table.dtype.names if hasattr(table, "dtype") else list(table)
        raise InputError(f"there is no column {name!r}; the table has {one_of(known)}") from error


def columns(table: Table, names: Sequence[str]) -> np.ndarray:
    """Columns of numbers, (rows, columns), as float32. Raises InputError that names the first value
    which is none."""
    if isinstance(names, str) or not len(names):
        raise InputError(f"columns are {names!r}; give a list of their names")
    return np.stack([_numbers(name, column(table, name)) for name in names], 1)


def _numbers(name: str, values: np.ndarray) -> np.ndarray:
    try:
        return values.astype(np.float32)
    except ValueError:
        for row, value in enumerate(values):
            try:
                float(value)
            except ValueError:
                said = f"{value!r} in row {row + 1}; it must be a number in every row"
                raise InputError(f"column {name} has {said}") from None
        raise
