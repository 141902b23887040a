"""The rooms of maml_edu, floor by floor, and who imports whom, read from the code.

tests/project/test_layers.py holds the imports to this table, and tools/house.py draws it.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "maml_edu"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the ground up: the rooms of each floor, and where the picture has them, in columns of its 24.
# A room imports from its own floor and from those below.
FLOORS: tuple[dict[str, tuple[float, float]], ...] = (
    {"foundation": (-0.4, 24.4)},
    {"tasks": (0, 6), "models": (8, 14)},
    {"inner": (4.5, 9.5)},
    {"learners": (0, 14)},
    {"evaluate": (2, 7), "outer": (7.5, 14), "views.drawing": (15, 24)},
    {"runs": (2, 7), "views.traces": (8, 16), "views.scenes": (17, 21.8)},
    {
        "exercises": (0, 5),
        "runs.cli": (5.6, 12),
        "views.plots": (14, 18.5),
        "views.widgets": (19.5, 24),
    },
)
LEVEL = {name: level for level, floor in enumerate(FLOORS) for name in floor}
GROUND = "foundation"
# These draw: they know no torch, and import only each other and the foundation.
DRAWING = {"views.drawing", "views.scenes", "views.plots", "views.widgets"}
# The one door between them and the rooms that compute: traces fill the dataclasses of scenes.
DOOR = "views.traces"


def dotted(path: Path) -> str:
    """`views.plots.marks` for maml_edu/views/plots/marks.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in FILES}


def room(module: str) -> str | None:
    """The room that a module belongs to: the longest name that fits; None for the root's own."""
    fitting = [name for name in LEVEL if module == name or module.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)


def file_of(name: str) -> Path:
    """The file that a room's docstring stands in: maml_edu/inner.py, maml_edu/tasks/__init__.py."""
    path = PACKAGE.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def label(name: str) -> str:
    """`inner.py` or `views/plots/`."""
    return file_of(name).relative_to(PACKAGE).as_posix().removesuffix("__init__.py")


def says(name: str) -> str:
    """What is in a room: the first sentence of its docstring."""
    text = ast.get_docstring(ast.parse(file_of(name).read_text("utf-8"))).replace("`", "")
    return re.match(r".+?\.(?=\s|$)", " ".join(text.split()))[0]


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
            if node.level:
                raise ValueError(f"{path}: a relative import; write the whole name of the module")
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inside & {f"maml_edu.{name}" for name in MODULES}) or {node.module}
    return found


def inner_imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, without "maml_edu."."""
    return {n.removeprefix("maml_edu.") for n in imports_of(path) if n.startswith("maml_edu.")}


def may_import(name: str) -> set[str]:
    """The rooms that a room may import from, itself among them."""
    below = {other for other in LEVEL if LEVEL[other] <= LEVEL[name]}
    if name in DRAWING:
        return below & (DRAWING | {GROUND})
    return below if name == DOOR else below - DRAWING


def imports_between_rooms() -> dict[str, set[str]]:
    """For each room, the other rooms that it imports from."""
    found: dict[str, set[str]] = {name: set() for name in LEVEL}
    for module, path in MODULES.items():
        here = room(module)
        if here is not None:
            found[here] |= {room(name) for name in inner_imports(path)} - {here, None}
    return found


def arrows() -> list[tuple[str, str]]:
    """The imports that matter: without those that follow from others, and without those from the
    foundation, which every room may import."""
    direct = {
        name: others & may_import(name) - {GROUND}
        for name, others in imports_between_rooms().items()
    }
    reach = {name: set(others) for name, others in direct.items()}
    for _ in LEVEL:  # no way is longer than there are rooms
        for name in LEVEL:
            reach[name] |= {far for near in direct[name] for far in reach[near]}
    return [
        (name, other)
        for name, others in direct.items()
        for other in sorted(others)
        if not any(other in reach[near] for near in others - {other})
    ]
