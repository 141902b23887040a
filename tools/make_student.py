#!/usr/bin/env python3
"""Copies of the lessons to hand out, without solutions: `make student` writes build/student/.

    release/maml/    the lessons for learners: without solutions, they run from top to bottom
    source/maml/     the same lessons for a teacher who grades with nbgrader: solutions between its
                     markers, a locked cell worth one point after each exercise
    nbgrader_config.py    build/student/ is an nbgrader course: there `nbgrader generate_assignment
                     maml` makes what release/ holds, and checksums with it

A lesson has, for each exercise, a cell to write in (tagged "exercise": a skeleton, then the check)
and a folded cell with the solution (tagged "solution"). Here the two become one.
"""

from __future__ import annotations

import argparse
import ast
import copy
import re
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
OUT = ROOT / "build" / "student"
ASSIGNMENT = "maml"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "# Write your lines above, then run this cell:"
CONFIG = f"""c = get_config()
c.CourseDirectory.course_id = "maml_edu"
c.ClearSolutions.code_stub = {{"python": {STUB!r}}}
# A cell of lesson 11 trains for a minute on two quiet cores; nbgrader would stop it after 30 s, and
# give up after 4 s without an output.
c.Execute.timeout = 1800
c.Execute.iopub_timeout = 120
"""
GRADE = """# One point if it is right. Leave this cell as it is.
int(bool({check}))"""


def graded(lesson: NotebookNode) -> NotebookNode:
    """The teacher's copy: exercise and solution in one cell, a locked grade cell after it."""
    made = copy.deepcopy(lesson)
    made.cells = []
    waiting: NotebookNode | None = None  # the exercise whose solution comes next
    number = 0
    for cell in copy.deepcopy(lesson.cells):
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            if waiting is None:
                raise ValueError(f"a solution without its exercise: {cell.source[:80]!r}")
            number += 1
            made.cells += _answer_and_grade(waiting, cell, f"exercise-{number}")
            waiting = None
            continue
        if waiting is not None:
            raise ValueError(f"an exercise without its solution: {waiting.source[:80]!r}")
        if "exercise" in tags:
            waiting = cell
        else:
            made.cells.append(cell)
    _guard(lesson, made)
    return made


def parsed(source: str) -> ast.Module:
    """A cell's code, without its magic lines."""
    return ast.parse(re.sub(r"^\s*[%!].*", "", source, flags=re.M))


def names_bound(source: str) -> set[str]:
    """What a cell defines at its top level."""
    bound = set()
    for node in parsed(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        else:
            names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            bound |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return bound


def names_used(source: str) -> set[str]:
    nodes = ast.walk(parsed(source))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _guard(lesson: NotebookNode, made: NotebookNode) -> None:
    """Let every cell that builds on a solution wait for it, and those that build on such a cell."""
    guards: dict[str, set[str]] = {}  # cell id -> numbers of exercises
    waits: dict[str, set[str]] = {}  # name -> numbers of the exercises that it comes from
    number = 0
    for cell in lesson.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or "colab" in tags:
            continue
        bound = names_bound(cell.source)
        if "solution" in tags:
            number += 1
            waits |= {name: {f"{lesson.cells[0].id.split('-')[1]}.{number}"} for name in bound}
            continue
        needed = set().union(*(waits.get(name, set()) for name in names_used(cell.source)))
        if needed and "exercise" not in tags:
            guards[cell.id] = needed
            waits |= dict.fromkeys(bound, needed)
        else:
            waits = {name: numbers for name, numbers in waits.items() if name not in bound}
    for cell in made.cells:
        if numbers := guards.get(cell.id):
            cell.source = f"%%when_solved {' '.join(sorted(numbers))}\n{cell.source}"


def _answer_and_grade(exercise: NotebookNode, solution: NotebookNode, name: str) -> list:
    skeleton, check = _split(exercise.source)
    region = re.search(f"{BEGIN}\n(.*?)\n*{END}", solution.source, re.S)
    code = region.group(1).strip("\n")
    attempts, answers = (_attempt(source) for source in (check, solution.source))
    known_as = ""
    if attempts != answers:
        code += f"\n\n\n{attempts} = {answers}"
        known_as = f"{answers} = {attempts}  # so it is called in later cells\n"
    exercise.source = f"{skeleton}\n\n\n{BEGIN}\n{code}\n{END}\n{known_as}{check}"
    exercise.metadata = _nbgrader(exercise.metadata, name, solution=True)
    grade = nbformat.v4.new_code_cell(GRADE.format(check=check), id=f"{exercise.id}-grade")
    grade.metadata = _nbgrader({}, f"{name}-check", points=1)
    return [exercise, grade]


def _split(source: str) -> tuple[str, str]:
    """An exercise's skeleton, and the check that ends it."""
    check = ast.parse(source).body[-1]
    lines = source.split("\n")
    return "\n".join(lines[: check.lineno - 1]).rstrip(), "\n".join(lines[check.lineno - 1 :])


def _attempt(source: str) -> str:
    """The name of what a cell's (first) check judges."""
    for node in ast.walk(ast.parse(source)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr.startswith("check_"):
            return ast.unparse(node.args[0])
    raise ValueError(f"no check in {source[:80]!r}")


def _nbgrader(
    metadata: dict, name: str, *, solution: bool = False, points: int = 0
) -> NotebookNode:
    ours = {"grade": bool(points), "grade_id": name, "locked": not solution, "solution": solution}
    ours |= {"points": points} if points else {}
    ours |= {"schema_version": 3, "task": False, "cell_type": "code"}
    return nbformat.from_dict({**metadata, "nbgrader": ours})


def released(source: NotebookNode) -> NotebookNode:
    """The learner's copy of a teacher's: every solution replaced by the stub, as nbgrader does."""
    made = copy.deepcopy(source)
    for cell in made.cells:
        cell.source = re.sub(f"{BEGIN}\n.*?{END}", STUB, cell.source, flags=re.S)
    return made


def write(names: list[str], out: Path = OUT) -> list[Path]:
    """Both copies of each lesson, and nbgrader's configuration; returns the learners' files."""
    shutil.rmtree(out, ignore_errors=True)
    releases = []
    for name in names:
        source = graded(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4))
        for kind, lesson in (("source", source), ("release", released(source))):
            path = out / kind / ASSIGNMENT / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(lesson, path)
        releases.append(path)
    (out / "nbgrader_config.py").write_text(CONFIG, "utf-8")
    return releases


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    names = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
    print(
        f"wrote {len(write(names))} lessons without solutions to {OUT.relative_to(ROOT)}/release/"
    )


if __name__ == "__main__":
    main()
