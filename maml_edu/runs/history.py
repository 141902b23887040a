"""The history of a run on disk: one line of a CSV file at each look."""

import csv
from collections.abc import Sequence
from pathlib import Path

from maml_edu.foundation.files import write_whole

FILE = "history.csv"
COLUMNS = ("step", "seconds", "cpu_seconds", "meta_loss", "validation_accuracy", "half_width")


class History:
    """`history.csv` in a run's folder: the meta-loss, its mean since the line before, and from time
    to time the validation accuracy with the half-width of its 95% interval.

    step: where the run goes on from; later lines, of a part that was lost, are removed.
    writes: whether this worker writes at all. columns: of the file. Default: COLUMNS.
    """

    def __init__(
        self, out: Path, step: int, writes: bool = True, *, columns: Sequence[str] = COLUMNS
    ):
        self.path, self.writes, self.columns = out / FILE, writes, columns
        kept = [row for row in read(self.path) if int(row["step"]) <= step] if writes else []
        self.lines = {(int(row["step"]), row["half_width"] != "") for row in kept}
        if writes:
            lines = [",".join(columns), *(",".join(row.values()) for row in kept)]
            write_whole(self.path, ("\n".join(lines) + "\n").encode())

    def add(self, step: int, **columns: float | str) -> None:
        """Add a line, unless this step has one of its kind: only validations have a half_width."""
        line = step, "half_width" in columns
        if self.writes and line not in self.lines:
            self.lines.add(line)
            with open(self.path, "a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self.columns, lineterminator="\n")
                writer.writerow({"step": step, **columns})


def read(path: Path) -> list[dict[str, str]]:
    """The lines of a history by column; a last one that was cut short is left out."""
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return list(csv.DictReader(whole.splitlines()))
