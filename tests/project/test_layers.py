"""The house: which room may import which, what the drawing rooms load, and how large things are."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "maml_edu"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))

# From the ground up. A room imports from its own line and from those above it in this table.
FLOORS = (
    ("foundation",),
    ("tasks", "models"),
    ("inner",),
    ("learners",),
    ("outer", "evaluate"),
    ("runs", "views.traces"),
    ("exercises", "runs.cli"),
)
# The rooms that draw stand beside that stack, on the same ground, and know no torch.
DRAWING_FLOORS = (
    ("views.scenes", "views.drawing"),
    ("views.plots", "views.widgets"),
)
DRAWS = {"matplotlib", "ipywidgets", "anywidget", "IPython", "traitlets"}
MAY_SEE_SCENES = {"views.traces"}  # traces fill the dataclasses that scenes are made of


def dotted(path: Path) -> str:
    """`views.plots.marks` for maml_edu/views/plots/marks.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str | None:
    """The entry of the tables that a module belongs to: the longest that fits."""
    rooms = [name for floor in FLOORS + DRAWING_FLOORS for name in floor]
    fitting = [r for r in rooms if module == r or module.startswith(f"{r}.")]
    return max(fitting, key=len, default=None)


def imports_of(path: Path) -> set[str]:
    """What a file imports, at its top or within functions: `torch`, `maml_edu.views.plots`, …

    What stands under `if TYPE_CHECKING:` is for the reader and never runs, so it does not count.
    """
    found: set[str] = set()
    tree = ast.parse(path.read_text("utf-8"))
    unread = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, which this test does not follow"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {f"maml_edu.{dotted(file)}" for file in FILES}
            found |= (inside & modules) or {node.module}
    return found


def inner_imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, without "maml_edu."."""
    return {n.removeprefix("maml_edu.") for n in imports_of(path) if n.startswith("maml_edu.")}


def test_every_module_has_a_room():
    homeless = [dotted(path) for path in FILES if room(dotted(path)) is None]
    assert homeless == ["", "__main__", "views"]


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_a_module_imports_from_its_own_floor_or_below(path):
    here = room(dotted(path))
    if here is None:
        return
    stack = FLOORS if any(here in floor for floor in FLOORS) else DRAWING_FLOORS
    level = next(i for i, floor in enumerate(stack) if here in floor)
    allowed = {name for floor in stack[: level + 1] for name in floor}
    if stack is DRAWING_FLOORS:
        allowed |= {"foundation"}  # such as its files; that they load no torch is tested below
    if here in MAY_SEE_SCENES:
        allowed |= set(DRAWING_FLOORS[0])
    seen = {room(name) for name in inner_imports(path)} - {None}
    assert seen <= allowed


def test_no_module_imports_itself_by_a_detour():
    """At the top of files: an import within a function is how a module waits until it is needed."""
    graph = {}
    for path in FILES:
        body = ast.parse(path.read_text("utf-8")).body
        top = ast.Module([n for n in body if isinstance(n, ast.Import | ast.ImportFrom)], [])
        file = ast.unparse(top)
        names = {dotted(f): f for f in FILES}
        found = set()
        for node in ast.walk(ast.parse(file)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("maml_edu"):
                base = node.module.removeprefix("maml_edu").lstrip(".")
                for alias in node.names:
                    inside = f"{base}.{alias.name}".lstrip(".")
                    found.add(inside if inside in names else base)
        graph[dotted(path)] = found - {""}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_only_the_drawing_rooms_draw_and_only_the_others_compute(path):
    outside = {name.split(".")[0] for name in imports_of(path)}
    here = room(dotted(path)) or ""
    if any(here in floor for floor in DRAWING_FLOORS):
        assert "torch" not in outside
    else:
        assert outside & DRAWS == set() or here == "exercises"


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", [name for floor in DRAWING_FLOORS for name in floor])
def test_the_drawing_rooms_load_no_torch(module):
    assert run_python(f"import sys, maml_edu.{module}; print('torch' in sys.modules)") == "False"


def test_the_package_loads_nothing_large():
    code = "import sys, maml_edu; print({'torch', 'numpy', 'matplotlib'} & set(sys.modules))"
    assert run_python(code) == "set()"


def test_the_root_holds_at_most_twelve_entries():
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__"}
    assert len(entries) <= 12, sorted(entries)


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_modules_and_functions_are_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno + 1 <= 60, f"{node.name} has too many lines"
            given = node.args
            names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            names = [n for n in names if n not in ("self", "cls")]
            assert len(names) <= 8, f"{node.name} has {len(names)} arguments"
