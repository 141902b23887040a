"""MAML, small enough to read in an evening: the inner loop, the outer loop, and what they learn.

Sub-modules load on first use, so `import maml_edu` costs nothing::

    from maml_edu.tasks import SinusoidTasks
    from maml_edu.models import mlp
    from maml_edu.learners import MAML
"""

import importlib

__version__ = "0.1.0"

_MODULES = (
    "evaluate",
    "exercises",
    "foundation",
    "inner",
    "learners",
    "models",
    "outer",
    "runs",
    "tasks",
    "views",
)


def __getattr__(name: str):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
