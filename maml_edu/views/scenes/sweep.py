"""Accuracy against a number that was varied, such as how many characters there are to train on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes.axis import Axis, finite_range, step_axis
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Line, Mark, Points, Trail
from maml_edu.views.scenes.shared import fmt_percent, fmt_step
from maml_edu.views.scenes.style import series


@dataclass(frozen=True)
class SweepTrace:
    """What trainings reached that differ in one number, each number under several seeds."""

    title: str  # "MAML, labels dealt anew"
    varied: str  # what was varied: "training characters"
    numbers: np.ndarray  # (numbers,) above 0, ascending
    accuracy: Mapping[str, np.ndarray]  # on which tasks -> (numbers, seeds, inner steps + 1)
    way: int  # classes in a task, so that guessing is right in 1 / way
    shown: int = 0  # the index of the number whose inner steps are shown

    def __post_init__(self) -> None:
        shapes = {np.shape(values) for values in self.accuracy.values()}
        if len(shapes) != 1 or len(shape := shapes.pop()) != 3 or shape[0] != len(self.numbers):
            wanted = f"({len(self.numbers)}, seeds, inner steps + 1), the same for all"
            raise ValueError(f"accuracy has the shapes {shapes or shape}; it must be {wanted}")
        if not 0 <= self.shown < len(self.numbers):
            last = len(self.numbers) - 1
            raise ValueError(f"shown is {self.shown}; it must be from 0 to {last}")


@scene.register
def sweep_scene(trace: SweepTrace) -> Scene:
    """Two panels, a frame per inner step: `sweep` (main), one dot a seed; `steps`, at one number.

    Seeds without a value (nan) are left out of the means.
    """
    frames = next(iter(trace.accuracy.values())).shape[2]
    means = {name: _mean(values) for name, values in trace.accuracy.items()}
    now = [
        "; ".join(f"{name} {fmt_percent(of[trace.shown, step])}" for name, of in means.items())
        for step in range(frames)
    ]
    here = f"{trace.numbers[trace.shown]:,} {trace.varied}"
    alt = [f"At {here}, {fmt_step(step)}: {text}." for step, text in enumerate(now)]
    panels = [_sweep(trace, means, alt), _steps(trace, means, here, alt)]
    return Scene(trace.title, panels, [f"{trace.title}. {text}" for text in alt])


def _mean(accuracy: np.ndarray) -> np.ndarray:
    """Over the seeds that there are: (numbers, seeds, steps) -> (numbers, steps)."""
    there = np.isfinite(accuracy)
    many = there.sum(1)
    with np.errstate(over="ignore"):
        means = np.where(there, accuracy, 0).sum(1) / np.maximum(many, 1)
    return np.where(many > 0, means, np.nan)


def _sweep(trace: SweepTrace, means: Mapping[str, np.ndarray], alt: list[str]) -> Panel:
    low, high = finite_range(np.where(trace.numbers > 0, trace.numbers, np.nan))
    low, high = (low, high) if low > 0 else (1.0, 10.0)
    x = Axis(f"{trace.varied}, log scale", (low / 1.3, 1.3 * high), "log")
    y = Axis("fraction right", (0.0, 1.04))
    at = np.full(2, trace.numbers[trace.shown], dtype=float)
    marks: list[Mark] = [
        Line("theta", "guessing", np.array(x.domain), np.full(2, 1 / trace.way)),
        Line("contour", None, at, np.array(y.domain)),
    ]
    for i, (name, values) in enumerate(trace.accuracy.items()):
        every = np.repeat(trace.numbers, values.shape[1]).astype(float)
        marks.append(Line(series(i), name, trace.numbers.astype(float), means[name].T))
        marks.append(Points(f"query-{i + 1}", None, every, values.reshape(len(every), -1).T))
    caption = "A small mark: one seed. The thin line: the number whose inner steps stand beside."
    return Panel("sweep", "All numbers", marks, alt, x, y, caption=caption)


def _steps(trace: SweepTrace, means: Mapping[str, np.ndarray], here: str, alt: list[str]) -> Panel:
    steps = np.arange(len(alt))
    x = step_axis(len(steps) - 1)
    marks: list[Mark] = [Line("theta", None, np.array(x.domain), np.full(2, 1 / trace.way))]
    for i, (name, mean) in enumerate(means.items()):
        of_seeds = trace.accuracy[name][trace.shown]  # (seeds, steps)
        every = np.tile(steps, len(of_seeds)).astype(float)
        marks.append(Points(f"query-{i + 1}", None, every, of_seeds.ravel()))
        readout = [fmt_percent(value) for value in mean[trace.shown]]
        marks.append(Trail(series(i), name, steps, mean[trace.shown], readout))
    y = Axis("fraction right", (0.0, 1.04))
    return Panel("steps", here, marks, alt, x, y, place="side")
