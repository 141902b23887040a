"""Run a lesson and keep what came out, until the lesson or the package changes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
CACHE = ROOT / ".cache" / "site"
SECONDS_A_CELL = 1200
# What a lesson's outputs are made from, besides its own text.
SOURCES = ("maml_edu/**/*.py", "maml_edu/**/static/*", "maml_edu/checkpoints/*", "results/*.json")


def lesson_names() -> list[str]:
    return sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))


def fingerprint(name: str) -> str:
    """One text for all that the outputs of lesson `name` depend on."""
    digest = hashlib.sha256((NOTEBOOKS / f"{name}.ipynb").read_bytes())
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        if path.is_file():
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    digest.update(os.environ.get("MAML_EDU_DATA", "").encode())  # Omniglot, or the stand-in
    return digest.hexdigest()[:16]


def executed(name: str, *, however_old: bool = False) -> Path | None:
    """Where lesson `name` is kept as executed; None if it is to be run (again).

    however_old: also take what an older lesson or package gave, the newest of it.
    """
    path = CACHE / f"{name}.{fingerprint(name)}.ipynb"
    if path.exists():
        return path
    older = sorted(CACHE.glob(f"{name}.*.ipynb"), key=lambda old: old.stat().st_mtime)
    return older[-1] if however_old and older else None


def execute(name: str) -> Path:
    """Run every cell of lesson `name`; an error in one is raised, and then nothing is kept."""
    path = CACHE / f"{name}.{fingerprint(name)}.ipynb"  # of what it is run from, not of later edits
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
        store_widget_state=True,
    ).execute()
    CACHE.mkdir(parents=True, exist_ok=True)
    for old in CACHE.glob(f"{name}.*.ipynb"):
        old.unlink()
    half = path.with_suffix(".half")
    nbformat.write(notebook, half)
    half.rename(path)
    return path


def execute_all(names: Iterable[str], jobs: int) -> None:
    """Run lessons, each in a process of its own, a few at a time, the longest (last) ones first."""
    with ThreadPoolExecutor(jobs) as pool:
        for _ in pool.map(_in_a_process, sorted(names, reverse=True)):
            pass


def _in_a_process(name: str) -> None:
    started = time.monotonic()
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tools.site.execute", name]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"lesson {name} did not run:\n{done.stderr[-3000:]}")
    print(f"ran {name} in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    for lesson in sys.argv[1:]:
        execute(lesson)
