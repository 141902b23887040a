"""`make reproduce`: measure anew what the lessons' tables are drawn from, beside the results.

    python -m benchmarks.reproduce --list     (what it would do, and how long each part takes)
    python -m benchmarks.reproduce            (all; stopped, it goes on where it was)

The new results go to build/reproduced/; those in results/ stay as they are, so that the two can be
compared. Each part is a command of its own, and is left out if its new result is there and whole.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
NEW = Path("build") / "reproduced"


@dataclass(frozen=True)
class Part:
    """One command. minutes: on one core of a quiet laptop; result: what it leaves."""

    what: str
    command: str
    minutes: int
    result: Path

    @property
    def done_mark(self) -> Path:
        return NEW / f"{self.result.stem}.done"  # a table grows row by row: it is no mark itself

    @property
    def argv(self) -> list[str]:
        words = shlex.split(self.command)
        resume = ["--resume"] if (self.result / "state.safetensors").exists() else []
        return [sys.executable, *words[1:], *resume]


def measured_by(command: str, name: str, what: str, minutes: int) -> Part:
    command = f"python -m benchmarks.{command} --out {NEW / name}"
    return Part(what, command, minutes, NEW / name)


PARTS = (
    measured_by("sine_table", "sine.json", "sine waves: the paper's table, five seeds", 10),
    measured_by("omniglot_table", "omniglot.json", "Omniglot: the models that come along", 25),
    measured_by("family", "family.json", "every learner, from scratch, three seeds", 170),
    measured_by(
        "sine_family", "sine_family.json", "sine waves: MAML's cousins, and its ladder", 30
    ),
    measured_by("what_adapts", "what_adapts.json", "body or head: five learners, five seeds", 20),
    measured_by("per_step", "per_step.json", "per-step losses: k = 5, ten seeds", 4),
    measured_by(
        "how_many_tasks", "how_many_tasks.json", "accuracy by the number of tasks, three seeds", 30
    ),
    measured_by("omniglot_quick", "bench_omniglot.json", "Omniglot in three minutes", 5),
    measured_by(
        "omniglot_quick --minutes 25", "bench_omniglot_long.json", "Omniglot in 25 minutes", 30
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="say what would be done, and stop")
    args = parser.parse_args()
    todo = [part for part in PARTS if not (ROOT / part.done_mark).exists()]
    for part in PARTS:
        state = f"about {part.minutes} minutes" if part in todo else "done"
        print(f"- {part.what}: {state}\n    {part.command}")
    print(f"In all about {sum(part.minutes for part in todo)} minutes.", flush=True)
    if args.list:
        return
    (ROOT / NEW).mkdir(parents=True, exist_ok=True)
    for part in todo:
        print(f"\n{part.what} (about {part.minutes} minutes) ...", flush=True)
        subprocess.run(part.argv, cwd=ROOT, check=True)
        (ROOT / part.done_mark).touch()
    print(f"\nAll done: compare {NEW}/ with results/.")


if __name__ == "__main__":
    main()
