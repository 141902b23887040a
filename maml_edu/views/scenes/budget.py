"""Learners against the time they trained: one frame a budget."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes.axis import Axis, finite_range, padded
from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Mark, Points, Trail
from maml_edu.views.scenes.shared import fmt
from maml_edu.views.scenes.style import series


@dataclass(frozen=True)
class BudgetTrace:
    """What learners reach, by the time they trained; nan where nothing was measured.

    budgets: (budgets,) core-seconds, above 0, ascending. panels: title -> learner -> (seeds,
    budgets) of what `measure` says, six learners a panel at most. starts: learner -> (seeds,
    budgets) of the same before adapting; a learner without has none.
    """

    title: str
    budgets: np.ndarray
    panels: Mapping[str, Mapping[str, np.ndarray]]
    starts: Mapping[str, np.ndarray]
    measure: str


@scene.register
def budget_scene(trace: BudgetTrace) -> Scene:
    """A panel for each group: the mean over seeds as a trail over the budgets, seeds as dots."""
    groups = trace.panels
    everything = [values for group in groups.values() for values in group.values()]
    y = Axis(trace.measure, padded(*finite_range(*everything)))
    decades = np.log10([trace.budgets[0] / 1.5, trace.budgets[-1] * 1.5])
    ends = 10.0 ** np.floor(decades[0]), 10.0 ** np.ceil(decades[1])
    x = Axis("core-seconds of training", ends, "log")
    panels, told = [], [[] for _ in trace.budgets]
    for number, (title, group) in enumerate(groups.items()):
        marks: list[Mark] = []
        words = [[] for _ in trace.budgets]
        for i, (name, values) in enumerate(group.items()):
            readout = [
                _readout(values[:, at], trace.starts.get(name), at) for at in range(len(told))
            ]
            marks += _of_learner(series(i), name, trace.budgets, values, readout)
            for at, text in enumerate(readout):
                words[at].append(f"{name} {text}")
        alt = [f"{title}: {'; '.join(some)}." for some in words]
        for at, text in enumerate(alt):
            told[at].append(text)
        place = "side" if number else "main"
        panels.append(Panel(f"budget-{number}", title, marks, alt, x, y, place=place))
    summary = [
        f"{trace.title}, {budget:g} core-seconds. {' '.join(texts)}"
        for budget, texts in zip(trace.budgets, told, strict=True)
    ]
    return Scene(trace.title, panels, summary, "budget")


def _of_learner(
    role: str, name: str, budgets: np.ndarray, values: np.ndarray, readout: list[str]
) -> list[Mark]:
    at_once = np.broadcast_to(budgets[:, None], values.T.shape)  # each frame has its own seeds
    trail = Trail(role, name, budgets, mean_of_known(values), readout)
    return [trail, Points(role, None, at_once, values.T)]


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """The mean over the first axis of what is not nan; nan where nothing is known."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(0)
    return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


def _readout(values: np.ndarray, starts: np.ndarray | None, at: int) -> str:
    mean = mean_of_known(values)
    if not np.isfinite(mean):
        return "not measured"
    if starts is None:
        return fmt(mean)
    return f"{fmt(mean)}, from {fmt(mean_of_known(starts[:, at]))}"
