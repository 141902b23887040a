"""The house: which room may import which, what the drawing rooms load, and how large things are."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tools.rooms import (
    DRAWING,
    FILES,
    MODULES,
    PACKAGE,
    dotted,
    imports_of,
    inner_imports,
    may_import,
    room,
)

DRAWS = {"matplotlib", "ipywidgets", "anywidget", "IPython", "traitlets"}


def test_every_module_has_a_room():
    homeless = [dotted(path) for path in FILES if room(dotted(path)) is None]
    assert homeless == ["", "__main__", "views"]


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_a_module_imports_from_its_own_floor_or_below(path):
    here = room(dotted(path))
    if here is None:
        return
    seen = {room(name) for name in inner_imports(path)} - {None}
    assert seen <= may_import(here)


def test_no_module_imports_itself_by_a_detour():
    """At the top of files: an import within a function is how a module waits until it is needed."""
    graph = {}
    for path in FILES:
        body = ast.parse(path.read_text("utf-8")).body
        top = ast.Module([n for n in body if isinstance(n, ast.Import | ast.ImportFrom)], [])
        found = set()
        for node in top.body:
            if isinstance(node, ast.ImportFrom) and node.module.startswith("maml_edu"):
                base = node.module.removeprefix("maml_edu").lstrip(".")
                for alias in node.names:
                    inside = f"{base}.{alias.name}".lstrip(".")
                    found.add(inside if inside in MODULES else base)
        graph[dotted(path)] = found - {""}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("path", FILES, ids=dotted)
def test_only_the_drawing_rooms_draw_and_only_the_others_compute(path):
    outside = {name.split(".")[0] for name in imports_of(path)}
    here = room(dotted(path)) or ""
    if here in DRAWING:
        assert "torch" not in outside
    else:
        assert outside & DRAWS == set() or here == "exercises"


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("module", sorted(DRAWING))
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
