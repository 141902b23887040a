"""Lessons as they ran under `make lessons`, kept until the lesson or the package changes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
CACHE = ROOT / ".cache" / "site"
# What a lesson's outputs are made from, besides its own text.
SOURCES = ("maml_edu/**/*.py", "maml_edu/**/static/*", "maml_edu/runs/shipped/*", "results/*.json")


def lessons() -> list[Path]:
    return sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def is_lesson(path: Path) -> bool:
    return path in lessons()


def fingerprint(lesson: Path) -> str:
    """One text for all that the outputs of a lesson depend on."""
    digest = hashlib.sha256(lesson.read_bytes())
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        if path.is_file():
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    digest.update(os.environ.get("MAML_EDU_DATA", "").encode())  # Omniglot, or the stand-in
    return digest.hexdigest()[:16]


def kept(lesson: Path, *, however_old: bool = False) -> Path | None:
    """Where the lesson is kept as it ran; None if it is to be run (again).

    however_old: also take what an older lesson or package gave, the newest of it.
    """
    path = CACHE / f"{lesson.stem}.{fingerprint(lesson)}.ipynb"
    if path.exists():
        return path
    older = sorted(CACHE.glob(f"{lesson.stem}.*.ipynb"), key=lambda old: old.stat().st_mtime)
    return older[-1] if however_old and older else None


def keep(name: str, fingerprint: str, notebook: NotebookNode) -> None:
    """Keep lesson `name` as it ran, in place of what an older one gave."""
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob(f"{name}.*"):
        old.unlink()
    half = CACHE / f"{name}.half"
    nbformat.write(notebook, half)
    half.rename(CACHE / f"{name}.{fingerprint}.ipynb")


def run(lessons: Sequence[Path]) -> None:
    """Run lessons, as `make lessons` does, which keeps them. SystemExit if one fails."""
    if lessons:
        paths = " ".join(str(lesson.relative_to(ROOT)) for lesson in lessons)
        done = subprocess.run(["make", "-s", "lessons", f"LESSONS={paths}"], cwd=ROOT)
        if done.returncode:
            sys.exit("the site was not built: a lesson failed")
