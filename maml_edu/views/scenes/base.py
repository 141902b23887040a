"""Scene and Panel, and the functions that find the scene of a trace."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import singledispatch

from maml_edu.views.scenes.axis import Axis
from maml_edu.views.scenes.marks import Mark
from maml_edu.views.scenes.style import ROLES


@dataclass(frozen=True, eq=False)
class Panel:
    """One part of a picture. Without axes (x and y None) it holds a single `Images` mark.

    alt: the text alternative, one per frame. notes: what to say over the picture, one per frame.
    place: "main", or "side" for the column beside it. equal: one scale for both axes.
    """

    id: str
    title: str
    marks: Sequence[Mark]
    alt: Sequence[str]
    x: Axis | None = None
    y: Axis | None = None
    place: str = "main"
    equal: bool = False
    notes: Sequence[str | None] | None = None
    caption: str | None = None

    def as_json(self) -> dict:
        axes = {key: axis and vars(axis) for key, axis in (("x", self.x), ("y", self.y))}
        return vars(self) | axes | {"marks": [m.as_json(self.x, self.y) for m in self.marks]}


@dataclass(frozen=True, eq=False)
class Scene:
    """A whole picture. It has one frame per text of `summary`, which describes it there."""

    title: str
    panels: Sequence[Panel]
    summary: Sequence[str]
    frame_label: str = "inner step"

    @property
    def frames(self) -> int:
        return len(self.summary)

    def as_json(self) -> dict:
        """What the player in the browser receives: strict JSON, without nan."""
        marks = [mark for panel in self.panels for mark in panel.marks]
        roles = {role for mark in marks for role in (mark.role, *mark.classes)}
        looks = {name: asdict(ROLES[name]) for name in sorted(roles)}
        panels = [panel.as_json() for panel in self.panels]
        return vars(self) | {"frames": self.frames, "panels": panels, "style": looks}


@singledispatch
def scene(trace: object) -> Scene:
    """The scene of a trace; TypeError for anything else."""
    allowed = ", ".join(kind.__name__ for kind in scene.registry if kind is not object)
    raise TypeError(f"trace is a {type(trace).__name__}; it must be one of {allowed}")


def check_step(step: int | None, frames: int) -> int:
    """`step` (default: the last) as an index into `frames` pictures, or a ValueError."""
    step = frames - 1 if step is None else int(step)
    if not 0 <= step < frames:
        raise ValueError(f"step is {step}; it must be from 0 to {frames - 1}")
    return step
