"""How far each part of a network moves when it adapts, and how much is right then."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes import shared
from maml_edu.views.scenes.axis import Axis, finite_range, step_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Trail
from maml_edu.views.scenes.shared import fmt_percent, fmt_step
from maml_edu.views.scenes.style import series

LEAST = 1e-4  # a part that moves less, as a fraction of its norm, is drawn as one that rests


@dataclass(frozen=True)
class MovementTrace:
    """The parts of a network while it adapts: means over many N-way tasks, at every inner step."""

    learner: str
    rate: str  # how far it steps, in words
    way: int
    n_tasks: int
    moved: Mapping[str, np.ndarray]  # part -> (steps + 1,) its distance from theta / its norm there
    accuracy: np.ndarray  # (steps + 1,) the fraction of queries answered rightly

    @property
    def inner_steps(self) -> int:
        return len(self.accuracy) - 1


@scene.register
def movement_scene(trace: MovementTrace) -> Scene:
    """Two panels, `moved` (main, log scale) and `accuracy`; a frame per inner step."""
    steps = range(trace.inner_steps + 1)
    accuracy = shared.accuracy_panel(trace.accuracy, trace.way, step_axis(trace.inner_steps))
    trails = [
        Trail(series(i), part, np.array(steps), far, [fmt_percent(v, ".3g") for v in far])
        for i, (part, far) in enumerate(trace.moved.items())
    ]
    alt = [
        f"Moved {fmt_step(step)}: {'; '.join(f'{t.name} {t.readout[step]}' for t in trails)}."
        for step in steps
    ]
    top = max(1.0, finite_range(*trace.moved.values())[1])
    y = Axis("distance / norm at theta, log scale", (LEAST, 1.5 * min(top, 1e6)), "log")
    moved = Panel(
        "moved",
        "How far each part moves",
        trails,
        alt,
        step_axis(trace.inner_steps),
        y,
        caption=f"Mean over {trace.n_tasks} tasks. On the lower edge: at rest, or nearly.",
    )
    title = f"{trace.learner}, {trace.rate}"
    both = zip(accuracy.alt, alt, strict=True)
    return Scene(title, [moved, accuracy], [f"{title}. {a} {b}" for a, b in both])
