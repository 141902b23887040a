"""Networks that learn from points placed by hand, beside the wave that fits these points best."""

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes.axis import Axis, finite_range
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Line, Mark, Points
from maml_edu.views.scenes.shared import fmt, fmt_step
from maml_edu.views.scenes.style import series

BEST_WAVE = "best wave"
ROOM = 1.2  # the picture reaches that many times as high as the largest wave


@dataclass(frozen=True)
class DenseNetwork:
    """Dense layers with ReLU between them, from one number to one, and the rates they adapt with.

    parameters: the weight (outputs, inputs) and the bias (outputs,) of each layer in turn.
    rates: (inner steps, parameters), the step size of each.
    """

    name: str
    parameters: tuple[np.ndarray, ...]
    rates: np.ndarray

    @property
    def sizes(self) -> list[int]:
        """How many units each layer has, the input's first: [1, 40, 40, 1]."""
        return [1, *(len(bias) for bias in self.parameters[1::2])]


@dataclass(frozen=True)
class ByHandTrace:
    """Networks adapting to points that a person placed, at every inner step.

    Without points nothing adapts, and losses are nan. best_wave: a sin(x) + b cos(x) with the least
    squared error; nan where the points leave it open.
    """

    networks: tuple[DenseNetwork, ...]
    points: np.ndarray  # (points, 2): x and y
    grid_x: np.ndarray  # (grid,) where functions are drawn
    curves: np.ndarray  # (networks, steps + 1, grid) each network's function after each step
    support_loss: np.ndarray  # (networks, steps + 1) mean squared error at the points
    best_wave: np.ndarray  # (grid,)
    best_wave_loss: float  # mean squared error at the points
    amplitude: tuple[float, float]  # of the waves that the networks practised on
    phase: tuple[float, float]
    wave: np.ndarray | None = None  # (grid,) the wave that was given or drawn; nan where it is not

    @property
    def inner_steps(self) -> int:
        return self.curves.shape[1] - 1

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The same whatever the points: they cannot be placed beyond them."""
        top = ROOM * finite_range(np.abs(self.amplitude))[1]
        return Axis("x", finite_range(self.grid_x)), Axis("y", (-top, top))

    @property
    def names(self) -> list[str]:
        """What is compared: the networks, and the best wave."""
        return [*(network.name for network in self.networks), BEST_WAVE]

    def wave_error(self, curve: np.ndarray) -> float:
        """The mean squared error of a curve (grid,) on the wave; nan where there is none."""
        if self.wave is None or not np.isfinite(self.wave).any():
            return float("nan")
        with np.errstate(over="ignore", invalid="ignore"):  # of a network that diverged
            return float(np.mean((curve - self.wave)[np.isfinite(self.wave)] ** 2))


@scene.register
def by_hand_scene(trace: ByHandTrace) -> Scene:
    """One panel, `function`: what the hand placed, and what each learner makes of it."""
    x, y = trace.axes
    marks: list[Mark] = []
    if trace.wave is not None:
        marks.append(Line("truth", "the wave", trace.grid_x, trace.wave))
    for i, (network, curves) in enumerate(zip(trace.networks, trace.curves, strict=True)):
        marks.append(Line(series(i), network.name, trace.grid_x, curves))
    marks.append(Line(series(len(trace.networks)), BEST_WAVE, trace.grid_x, trace.best_wave))
    marks.append(Points("support", "your points", *trace.points.T))
    texts = [_summary(trace, step) for step in range(trace.inner_steps + 1)]
    return Scene("By hand", [Panel("function", "By hand", marks, texts, x, y)], texts)


def _summary(trace: ByHandTrace, step: int) -> str:
    """What there is to see, in words."""
    count = len(trace.points)
    what = f"{count} point{'s' * (count != 1)} placed by hand"
    if not count:
        return f"{what}. Place some: the networks learn from them."
    losses = [*trace.support_loss[:, step], trace.best_wave_loss]
    curves = [*trace.curves[:, step], trace.best_wave]
    parts = []
    for name, loss, curve in zip(trace.names, losses, curves, strict=True):
        if name == BEST_WAVE and not np.isfinite(curve).all():
            parts.append(f"{name}: the points leave it open")
            continue
        error = trace.wave_error(curve)
        whole = f", on the whole wave {fmt(error)}" if np.isfinite(error) else ""
        parts.append(f"{name} {fmt(loss)}{whole}")
    return f"{what}, {fmt_step(step)}. Mean squared error at the points: {'; '.join(parts)}."
