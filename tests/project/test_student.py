"""The copies that are handed out: no solution in them, they run unsolved, and nbgrader takes them.

nbgrader stands in a folder of its own (`make unit` puts it there): it would add buttons and a
server extension to the JupyterLab of the lessons.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from maml_edu import exercises
from tests.project.test_checks import SLOWEST_CELL
from tools import make_student

LESSONS = sorted(path.stem for path in make_student.NOTEBOOKS.glob("[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("student") / "course"
    make_student.write(LESSONS, out)
    return out


def cells_of(course: Path, kind: str, name: str) -> list[nbformat.NotebookNode]:
    return nbformat.read(course / kind / "maml" / f"{name}.ipynb", as_version=4).cells


@pytest.mark.parametrize("name", LESSONS)
def test_no_solution_is_left(course, name):
    for cell in cells_of(course, "release", name):
        assert "SOLUTION" not in cell.source
        assert "solution" not in cell.metadata.get("tags", [])


@pytest.mark.parametrize("name", LESSONS)
def test_everything_else_is_there(course, name):
    """The lesson's other cells, as they are; and a point for each exercise."""
    lesson = nbformat.read(make_student.NOTEBOOKS / f"{name}.ipynb", as_version=4)
    tags = [cell.metadata.get("tags", []) for cell in lesson.cells]
    own = [
        c.source
        for c, t in zip(lesson.cells, tags, strict=True)
        if not {*t} & {"exercise", "solution"}
    ]
    copied = cells_of(course, "release", name)
    kept = [c.source for c in copied if "nbgrader" not in c.metadata]
    assert [re.sub(r"^%%when_solved .*\n", "", source) for source in kept] == own
    points = [
        c.metadata.nbgrader.points for c in copied if c.metadata.get("nbgrader", {}).get("grade")
    ]
    assert points == [1] * sum("exercise" in t for t in tags)


def test_what_builds_on_a_solution_waits_for_it():
    """So does what builds on that in its turn; a name that is bound anew does not."""
    made = nbformat.v4.new_notebook()
    sources = {
        "colab": "import sys", "exercise": "def mine(): ...\nexercises.check_x(mine)",
        "solution": "### BEGIN SOLUTION\ndef f():\n    return 1\n### END SOLUTION\n"
        "assert exercises.check_x(f)",
    }  # fmt: skip
    for number, (tag, source) in enumerate(sources.items()):
        cell = nbformat.v4.new_code_cell(source, id=f"lesson-42-{number}", metadata={"tags": [tag]})
        made.cells.append(cell)
    after = ["y = f()", "y + 1", "free = 2", "y = 3", "y + 1"]
    made.cells += [nbformat.v4.new_code_cell(source) for source in after]
    copied = [cell.source for cell in make_student.graded(made).cells[-len(after) :]]
    waiting = "%%when_solved 42.1\n"
    assert copied == [waiting + "y = f()", waiting + "y + 1", "free = 2", "y = 3", "y + 1"]


@pytest.mark.parametrize("name", LESSONS)
def test_unsolved_exercises_raise_nothing_and_give_no_point(course, name):
    cells = [c for c in cells_of(course, "release", name)[1:] if c.cell_type == "code"]
    space: dict = {}
    for cell in cells:  # what the lesson imports; the rest of it runs under nbval
        body = make_student.parsed(cell.source).body
        imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(imports, []), name, "exec"), space)
    graded = 0
    for cell in cells:
        about = cell.metadata.get("nbgrader")
        if about and about.grade:
            assert eval(cell.source, space) == 0
            graded += 1
        elif about:
            exec(cell.source, space)
    assert graded >= 2
    assert exercises.progress(name[:2]).solved == 0


PATIENCE = """from nbgrader.preprocessors import Execute
from traitlets.config.loader import PyFileConfigLoader
execute = Execute(config=PyFileConfigLoader("nbgrader_config.py").load_config())
print(execute.timeout, execute.iopub_timeout)"""


def test_nbgrader_waits_for_the_slowest_cell(course):
    """nbgrader's own 30 seconds would fail a perfect submission of lesson 11."""
    cell, output = map(int, python_with_nbgrader(course, "-c", PATIENCE).split())
    assert cell >= 10 * SLOWEST_CELL
    assert output >= 60


def nbgrader(course: Path, *arguments: str) -> str:
    return python_with_nbgrader(course, "-m", "nbgrader", *arguments)


def python_with_nbgrader(course: Path, *arguments: str) -> str:
    """What Python prints in the folder `course`; an error where it ends with one."""
    own = Path(sys.prefix) / "nbgrader"
    if not own.exists():
        reason = "nbgrader is not in .venv/nbgrader: `make unit` puts it there"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    env = {
        **os.environ,
        "PYTHONPATH": str(own),
        "PATH": f"{own / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=course, env=env, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_nbgrader_makes_the_same_copies(course, tmp_path):
    """`nbgrader generate_assignment`: checked, stored in its database, solutions taken out."""
    theirs = tmp_path / "release" / "maml"
    for path in ("source", "nbgrader_config.py"):
        (tmp_path / path).symlink_to(course / path)
    nbgrader(tmp_path, "generate_assignment", "maml")
    for name in LESSONS:
        made = nbformat.read(theirs / f"{name}.ipynb", as_version=4).cells
        ours = cells_of(course, "release", name)
        assert [cell.source for cell in made] == [cell.source for cell in ours]
        assert all("checksum" in c.metadata.nbgrader for c in made if "nbgrader" in c.metadata)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("release", "VALIDATION FAILED ON 3 CELL(S)"), ("source", "passes all the tests")],
)
def test_nbgrader_validates_solved_exercises_only(course, tmp_path, kind, said):
    """Lesson 02's exercises without the rest of it: what its functions need are its imports."""
    lesson = nbformat.read(course / kind / "maml" / "02_the_inner_loop.ipynb", as_version=4)
    imports = [c for c in lesson.cells if c.source.startswith(("import ", "from "))][:2]
    lesson.cells = imports + [cell for cell in lesson.cells if "nbgrader" in cell.metadata]
    nbformat.write(lesson, tmp_path / "part.ipynb")
    shutil.copy(course / "nbgrader_config.py", tmp_path)
    assert said in nbgrader(tmp_path, "validate", "part.ipynb")
