"""The layers, read from the imports: the mathematics draws nothing, the pictures know no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "maml_edu"

MATHEMATICS = ["tasks", "models", "inner", "outer", "learners", "evaluate", "replay"]
MATHEMATICS += ["recompute", "distributed"]
PICTURES = ["records", "style", "scenes", "plots", "widgets"]
DRAWS = {"matplotlib", "ipywidgets", "anywidget", "IPython", "traitlets", *PICTURES[1:]}


def source_files(module: str) -> list[Path]:
    single = PACKAGE / f"{module}.py"
    return [single] if single.exists() else sorted((PACKAGE / module).rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """What a file imports, at its top or within functions: `torch`, `maml_edu.plots`, …"""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, which this test does not follow"
            found.add(node.module)
            if node.module == "maml_edu":
                found |= {f"maml_edu.{alias.name}" for alias in node.names}
    return found


def reached_from(module: str) -> set[str]:
    """Names of all that `module` imports, directly or through other modules of the package."""
    seen, waiting, outside = set(), [module], set()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for name in set().union(*map(imports_of, source_files(current))):
            top, _, rest = name.partition(".")
            if top != "maml_edu":
                outside.add(top)
            elif rest:
                waiting.append(rest.split(".")[0])
    return outside | (seen - {module})


@pytest.mark.parametrize("module", MATHEMATICS + PICTURES)
def test_each_layer_has_its_modules(module):
    assert source_files(module), f"maml_edu/{module} is gone: correct the lists in this test"


@pytest.mark.parametrize("module", MATHEMATICS)
def test_the_mathematics_draws_nothing(module):
    assert reached_from(module) & DRAWS == set()


@pytest.mark.parametrize("module", PICTURES)
def test_the_pictures_know_no_torch(module):
    assert reached_from(module) & {"torch", "traces", *MATHEMATICS} == set()


def test_every_module_is_somewhere_in_the_layers():
    """A module that is neither may use torch, but must not draw: only `traces` stands between."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    modules |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    between = modules - set(MATHEMATICS) - set(PICTURES)
    assert "traces" in between
    for module in between:
        direct = set().union(*map(imports_of, source_files(module)))
        tops = {name.removeprefix("maml_edu.").split(".")[0] for name in direct}
        assert tops & DRAWS == set(), module


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", PICTURES)
def test_the_pictures_load_no_torch(module):
    code = f"import sys, maml_edu.{module}; print('torch' in sys.modules)"
    assert run_python(code) == "False"


def test_the_package_loads_nothing_large():
    code = "import sys, maml_edu; print({'torch', 'numpy', 'matplotlib'} & set(sys.modules))"
    assert run_python(code) == "set()"
