"""The history of a run on disk: one line of a CSV file at each look."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from maml_edu.foundation.files import write_whole
from maml_edu.outer import TrainState

FILE = "history.csv"
COLUMNS = ("step", "seconds", "cpu_seconds", "meta_loss", "validation_accuracy", "half_width")


class History:
    """`history.csv` in a run's folder: the meta-loss, its mean since the line before, and from time
    to time the validation accuracy with the half-width of its 95% interval.

    step: where the run goes on from; later lines, of a part that was lost, are removed.
    writes: whether this worker writes at all.
    """

    def __init__(self, out: Path, step: int, writes: bool = True):
        self.path, self.writes, self.last, self.validated = out / FILE, writes, step, -1
        if writes:
            kept = [row for row in read(self.path) if int(row["step"]) <= step]
            self.validated = max((int(r["step"]) for r in kept if r["half_width"]), default=-1)
            lines = [",".join(COLUMNS), *(",".join(row.values()) for row in kept)]
            write_whole(self.path, ("\n".join(lines) + "\n").encode())

    def add(self, state: TrainState, spent: tuple[float, float]) -> None:
        """A line for a state, unless it has one."""
        if state.step > max(self.last, 0):
            self.last = state.step
            self._append(state.step, f"{spent[0]:.1f}", f"{spent[1]:.1f}", state.meta_loss, "", "")

    def validation(self, row: tuple[int, float, float, float]) -> None:
        """A line for (step, cpu seconds, accuracy, half-width), unless it has one."""
        step, cpu_seconds, accuracy, half_width = row
        if step > self.validated:
            self.validated = step
            self._append(step, "", cpu_seconds, "", accuracy, half_width)

    def _append(self, *values: Any) -> None:
        if self.writes:
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerow(values)


def read(path: Path) -> list[dict[str, str]]:
    """The whole lines of a history by column; a line that was cut short is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    rows = csv.DictReader([line for line in lines if line.endswith("\n")])
    return [
        row
        for row in rows
        if list(row) == list(COLUMNS) and None not in row.values() and row["step"].isdecimal()
    ]
