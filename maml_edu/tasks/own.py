"""Tasks from a reader's own data: pictures in folders, arrays with labels, tables."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from maml_edu.foundation.checks import InputError, at_least
from maml_edu.foundation.randomness import device_of
from maml_edu.foundation.types import Device, Samples
from maml_edu.tasks.batch import TaskBatch
from maml_edu.tasks.data.folders import read_folders
from maml_edu.tasks.data.tables import column, columns, read_table
from maml_edu.tasks.episodes import Episodes
from maml_edu.tasks.groups import Groups, Split, as_inputs, as_samples, draw_rows, groups_of


class Classes:
    """A reader's own classes, any number of samples in each.

    x: (samples, …), arrays or tensors; see `maml_edu.tasks.groups.as_samples` for the types.
    labels: (samples,), names or whole numbers.
    split: split -> names of its classes. Default: 60, 20 and 20 of 100 classes for "train",
        "validation" and "test", at random by their names.
    fewest: classes with fewer samples are left out (`left_out` names them). Default: 2.
    Raises InputError.
    """

    def __init__(self, x: Any, labels: Any, *, split: Split | None = None, fewest: int = 2):
        self.x = as_samples("x", x)
        names, rows = groups_of("labels", labels, len(self.x))
        self.groups = Groups(names, rows, split, fewest, "class")

    @classmethod
    def from_folder(
        cls,
        folder: str | os.PathLike,
        *,
        size: int | tuple[int, int] = 28,
        channels: int = 1,
        invert: bool = False,
        split: Split | None = None,
        fewest: int = 2,
    ) -> "Classes":
        """A folder with a folder of pictures for each class, in any format that Pillow reads; or
        with folders "train", "validation" (or "val") and "test" of such, which are then the split.

        size, channels, invert: as in `maml_edu.tasks.data.read_pictures`.
        """
        x, labels, found = read_folders(folder, size=size, channels=channels, invert=invert)
        return cls(x, labels, split=split or found, fewest=fewest)

    @classmethod
    def from_table(
        cls,
        table: str | os.PathLike | Mapping[str, Any],
        *,
        x: Sequence[str],
        label: str,
        split: Split | None = None,
        fewest: int = 2,
    ) -> "Classes":
        """A CSV file, or columns by name (a dict of arrays, a data frame): the columns `x` are the
        features, the column `label` has the class."""
        table = read_table(table)
        return cls(columns(table, x), column(table, label), split=split, fewest=fewest)

    def __repr__(self) -> str:
        return f"Classes({len(self.groups.rows)} classes, samples of {tuple(self.x.shape[1:])})"

    @property
    def left_out(self) -> tuple[str, ...]:
        return self.groups.left_out

    def tasks(self, split: str = "train", way: int = 5) -> "ClassTasks":
        """The N-way tasks of one split."""
        return ClassTasks(self, split, way)

    def samples(self, names: Sequence[str] | None = None) -> Samples:
        """All samples of some classes, as a support set to adapt to: x, and labels 0, 1, … in the
        order of `names`. Default: all classes, sorted by name."""
        names = tuple(self.groups.rows) if names is None else tuple(names)
        if unknown := [name for name in names if name not in self.groups.rows]:
            raise InputError(f"there is no class {unknown[0]!r} in {self!r}")
        rows = [self.groups.rows[name] for name in names]
        labels = [torch.full((len(its),), label) for label, its in enumerate(rows)]
        return as_inputs(self.x[torch.cat(rows)]), torch.cat(labels)


class ClassTasks:
    """N-way K-shot tasks from one split of `Classes`; labels are dealt anew in each task."""

    def __init__(self, data: Classes, split: str, way: int):
        at_least(2, way=way)
        self.data, self.split, self.way = data, split, way
        self.names = data.groups.of(split)
        if way > len(self.names):
            raise InputError(
                f"way is {way}; the {split} split has {len(self.names)} of your "
                f"{len(data.groups.rows)} classes: choose a smaller way, or give your own split"
            )

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int = 1,
        queries: int = 5,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch:
        """Draw tasks, with `shots` and `queries` different samples of each class.

        Returns x (tasks, way * shots or queries, …), y int64 labels 0 … way - 1, and in `info`
        "class" (tasks, way), indices into `names` by label, and "row", those into `data.x`.
        """
        at_least(1, n_tasks=n_tasks, shots=shots, queries=queries)
        self.data.groups.drawable(self.names, shots + queries)
        drawn_on = device_of(generator)
        shape = n_tasks, len(self.names)
        chosen = torch.rand(shape, generator=generator, device=drawn_on).topk(self.way).indices
        groups = [self.data.groups.rows[self.names[i]] for i in chosen.flatten().tolist()]
        rows = draw_rows(groups, shots + queries, generator).view(n_tasks, self.way, -1)
        x = as_inputs(self.data.x[rows]).to(device)
        info = {"class": chosen.to(device), "row": rows.to(device)}
        return Episodes(chosen, rows, shots).batch(x, info)


class Curves:
    """A reader's own regressions: each group of rows, such as a curve or a patient, is a task.

    x: (rows, …), y: (rows, …) or (rows,), which becomes (rows, 1): numbers. task: (rows,), the name
    of the task that each row belongs to. split, fewest: as in `Classes`. Raises InputError.
    """

    def __init__(self, x: Any, y: Any, task: Any, *, split: Split | None = None, fewest: int = 2):
        self.x, y = as_samples("x", x), as_samples("y", y).float()
        if len(self.x) != len(y):
            raise InputError(f"x has {len(self.x)} rows and y {len(y)}; they must be alike")
        self.y = y[:, None] if y.dim() == 1 else y
        self.groups = Groups(*groups_of("task", task, len(y)), split, fewest, "task")

    @classmethod
    def from_table(
        cls,
        table: str | os.PathLike | Mapping[str, Any],
        *,
        x: Sequence[str],
        y: Sequence[str],
        task: str,
        split: Split | None = None,
        fewest: int = 2,
    ) -> "Curves":
        """A CSV file, or columns by name: the features, the targets, and the task of each row."""
        table = read_table(table)
        parts = columns(table, x), columns(table, y), column(table, task)
        return cls(*parts, split=split, fewest=fewest)

    def __repr__(self) -> str:
        return f"Curves({len(self.groups.rows)} tasks, {len(self.x)} rows)"

    @property
    def left_out(self) -> tuple[str, ...]:
        return self.groups.left_out

    def tasks(self, split: str = "train") -> "CurveTasks":
        """The tasks of one split."""
        return CurveTasks(self, split)

    def samples(self, name: str) -> Samples:
        """All rows of one task: x and y."""
        if name not in self.groups.rows:
            raise InputError(f"there is no task {name!r} in {self!r}")
        rows = self.groups.rows[name]
        return as_inputs(self.x[rows]), self.y[rows]


class CurveTasks:
    """The tasks of one split of `Curves`, a few rows of each at a time."""

    def __init__(self, data: Curves, split: str):
        self.data, self.split = data, split
        self.names = data.groups.of(split)

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int = 10,
        queries: int = 10,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch:
        """Draw tasks, the same one more than once if need be, with different rows of each.

        Returns x (tasks, shots or queries, …), y (tasks, …, outputs), and in `info` "task"
        (tasks,), indices into `names`, and "row" (tasks, shots + queries).
        """
        at_least(1, n_tasks=n_tasks, shots=shots, queries=queries)
        self.data.groups.drawable(self.names, shots + queries)
        drawn_on = device_of(generator)
        some = torch.randint(len(self.names), (n_tasks,), generator=generator, device=drawn_on)
        groups = [self.data.groups.rows[self.names[i]] for i in some.tolist()]
        rows = draw_rows(groups, shots + queries, generator)
        x, y = as_inputs(self.data.x[rows]).to(device), self.data.y[rows].to(device)
        info = {"task": some.to(device), "row": rows.to(device)}
        return TaskBatch(x[:, :shots], y[:, :shots], x[:, shots:], y[:, shots:], info)
