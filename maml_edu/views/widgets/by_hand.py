"""A task by hand: points that are placed, moved and drawn, and networks that learn from them.

The browser gets the networks and runs their inner steps itself, while the hand moves, so it also
works in a static page. Python gets the points when the hand rests.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from maml_edu.foundation.checks import InputError, is_number, refuse
from maml_edu.views.scenes import ByHandTrace, scene
from maml_edu.views.scenes.by_hand import BEST_WAVE
from maml_edu.views.scenes.style import ROLES, series
from maml_edu.views.widgets.player import STATIC, Described, as_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS = 20


class ByHand(Described):
    """A regression task to touch: place points, or draw a wave, and watch every learner adapt.

    compute: points, a list of [x, y] -> a `ByHandTrace`, by the real networks::

        ByHand(lambda points: traces.by_hand(learners, points, tasks=tasks))

    wave: the amplitude and phase of a dashed wave to begin with (default: none).
    points: where the points are, [x, y] each; at most 20. Set them here, or place them in the
        browser. step: the inner step shown, 0 to the last; a step beyond becomes the nearest.
    drawn: the dashed wave as it is now: y at each place of the grid, None where nothing is drawn.
    InputError for points that are not within the picture.
    """

    _esm = STATIC / "by_hand.js"
    _css = "\n".join((STATIC / name).read_text("utf-8") for name in ("player.css", "by_hand.css"))

    setup = traitlets.Unicode().tag(sync=True)
    networks = traitlets.Bytes().tag(sync=True)
    points = traitlets.List().tag(sync=True)
    drawn = traitlets.List().tag(sync=True)
    step = traitlets.Int(1).tag(sync=True)

    def __init__(
        self,
        compute: Callable[[list], ByHandTrace],
        points: Sequence[tuple[float, float]] = (),
        wave: tuple[float, float] | None = None,
        step: int = 1,
    ) -> None:
        self._compute, self._first = compute, compute([])
        super().__init__(
            setup=_setup(self._first),
            networks=_numbers(self._first),
            points=[list(point) for point in points],
            drawn=[] if wave is None else _wave(self._first.grid_x, *wave),
            step=step,
        )

    @traitlets.validate("points")
    def _within(self, proposal: dict) -> list:
        return _checked(proposal["value"], *self._first.axes)

    @traitlets.validate("drawn")
    def _on_the_grid(self, proposal: dict) -> list:
        values, places = proposal["value"], len(self._first.grid_x)
        right = all(value is None or is_number(value) for value in values)
        if len(values) not in (0, places) or not right:
            refuse("drawn", values, f"{places} numbers, or None, or an empty list")
        return values

    @traitlets.validate("step")
    def _a_step(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self._first.inner_steps)

    @property
    def trace(self) -> ByHandTrace:
        """What the networks make of the points, computed now, in Python."""
        wave = np.array(self.drawn, float) if self.drawn else None
        return replace(self._compute(self.points), wave=wave)

    def describe(self) -> str:
        """What is shown now, in words."""
        return scene(self.trace).summary[self.step]

    def picture(self) -> "Figure":
        """What is shown now, as a still figure."""
        from maml_edu.views import plots  # only when asked: it loads matplotlib

        return plots.picture(self.trace, self.step)


def _checked(points: list, x: Any, y: Any) -> list[list[float]]:
    """Points as lists of two floats; InputError for more than allowed or one outside the axes."""
    if len(points) > MOST_POINTS:
        raise InputError(f"points has {len(points)} points; it must have at most {MOST_POINTS}")
    for point in points:
        two = isinstance(point, list | tuple) and len(point) == 2 and all(map(is_number, point))
        ends = x.domain, y.domain
        if not two or not all(a <= v <= b for v, (a, b) in zip(point, ends, strict=True)):
            (left, right), (low, high) = ends
            allowed = f"x from {left:g} to {right:g} and y from {low:g} to {high:g}"
            refuse("a point", point, f"[x, y], {allowed}")
    return [[float(v) for v in point] for point in points]


def _wave(grid_x: np.ndarray, amplitude: float, phase: float) -> list[float]:
    if not (is_number(amplitude) and is_number(phase)):
        refuse("wave", (amplitude, phase), "two finite numbers, an amplitude and a phase")
    return np.round(amplitude * np.sin(grid_x - phase), 3).tolist()


def _numbers(trace: ByHandTrace) -> bytes:
    """All parameters and rates, network after network, as float32 of the least byte first."""
    arrays = [a.ravel() for one in trace.networks for a in (*one.parameters, one.rates)]
    return np.concatenate(arrays).astype("<f4").tobytes()


def _setup(trace: ByHandTrace) -> str:
    """What the browser needs to know once, as JSON."""
    roles = [series(i) for i in range(len(trace.names))]
    looks = {name: asdict(ROLES[name]) for name in ("truth", "support", *roles)}
    networks = [{"name": one.name, "sizes": one.sizes} for one in trace.networks]
    x, y = map(vars, trace.axes)
    return as_text({
        "networks": networks, "best": BEST_WAVE, "roles": roles, "style": looks, "x": x, "y": y,
        "grid": len(trace.grid_x), "steps": trace.inner_steps, "most": MOST_POINTS,
        "amplitude": trace.amplitude, "phase": trace.phase,
    })  # fmt: skip
