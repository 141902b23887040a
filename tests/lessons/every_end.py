"""Every control of every explorer, at both ends, alone and in pairs: always a picture. And so with
points placed by hand wherever they are hard to learn from.

Runs in a lesson's own kernel after its last cell (see `last_cell`), so what is driven here is what
a reader moves, and no lesson is run once more for it.
"""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Iterator

import numpy as np
from IPython.display import display
from ipywidgets import Widget
from ipywidgets.widgets import widget

from maml_edu.tasks.data import StandInWarning
from maml_edu.views import plots
from maml_edu.views.drawing import DrawingSet
from maml_edu.views.scenes import Axis, scene
from maml_edu.views.widgets import ByHand, Choice, Draw, Slider
from maml_edu.views.widgets.by_hand import MOST_POINTS
from maml_edu.views.widgets.player import Explorer, Player, sentence

WITHOUT_CONTROLS = {"31_faster_larger"}
STATE = "application/vnd.jupyter.widget-state+json"
PICTURES = "application/vnd.maml-edu.pictures+json"


def show_widgets() -> None:
    """Put out the state of all widgets, as a notebook keeps it that is saved with them, and by
    model id a PNG of each player, for pages and readers without JavaScript."""
    kinds = Player | ByHand
    players = {key: one for key, one in widget._instances.items() if isinstance(one, kinds)}
    pictures = {key: plots.png(one.picture()) for key, one in players.items()}
    display({STATE: Widget.get_manager_state(), PICTURES: pictures}, raw=True)


def check(lesson: str) -> None:
    """AssertionError that names each explorer and corner of this kernel that gives no picture."""
    kinds = Explorer | ByHand
    explorers = [made for made in widget._instances.values() if isinstance(made, kinds)]
    assert explorers or lesson in WITHOUT_CONTROLS, f"{lesson} has no explorer"
    found = [
        f"explorer {number} ({', '.join(ends(explorer))}) at {corner}: {problem}"
        for number, explorer in enumerate(explorers, start=1)
        for corner, problem in problems(explorer)
    ]
    assert not found, "\n".join(found)


def ends(explorer: Explorer | ByHand) -> dict[str, tuple]:
    """The lowest and highest value, or first and last option, of each control, by its name."""
    if isinstance(explorer, Draw):
        return {"drawings": smallest_and_largest(explorer.drawings, explorer.limits)}
    if isinstance(explorer, ByHand):
        return {
            "points": hard_points(*explorer.trace.axes),
            "step": (0, explorer.trace.inner_steps),
        }
    return {name: ends_of(control) for name, control in explorer._controls.items()}


def ends_of(control: object) -> tuple:
    if isinstance(control, Slider):
        return control.min, control.max
    labels = list(control.options) if isinstance(control, Choice) else [False, True]
    return labels[0], labels[-1]


def smallest_and_largest(drawings: DrawingSet, limits: dict) -> tuple[DrawingSet, DrawingSet]:
    """Sets with the fewest and with the most ways and shots, made of the drawings of a set."""
    some = [of_class[0] for of_class in drawings.support] * limits["ways"][1]
    sizes = zip(limits["ways"], limits["shots"], strict=True)
    return tuple(
        DrawingSet(tuple((one,) * shots for one in some[:way]), drawings.query)
        for way, shots in sizes
    )


def hard_points(x: Axis, y: Axis) -> tuple[list, ...]:
    """None, one, at the edges, all at one x, all at one place, and as many as there may be."""
    edges = [[a, b] for a in x.domain for b in y.domain]
    column = [[0.5, float(b)] for b in np.linspace(*y.domain, 5)]
    most = np.linspace(*x.domain, MOST_POINTS), np.resize(y.domain, MOST_POINTS)
    return [], [[1.0, 2.0]], edges, column, [[1.0, 2.0]] * 5, np.stack(most, 1).tolist()


def corners(explorer: Explorer | ByHand) -> list[dict]:
    """The ends of each control alone, and of each pair of controls; the rest as they began."""
    alone = [[{name: end} for end in pair] for name, pair in ends(explorer).items()]
    pairs = [{**a, **b} for one, two in itertools.combinations(alone, 2) for a in one for b in two]
    return [*itertools.chain.from_iterable(alone), *pairs]


def problems(explorer: Explorer | ByHand) -> Iterator[tuple[dict, str]]:
    """Each corner that fails, and why. The explorer is closed: its pictures go to no browser."""
    explorer.close()
    by_hand = isinstance(explorer, ByHand)
    began = {"points": explorer.points} if by_hand else dict(explorer.values)
    for corner in corners(explorer):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", StandInWarning)  # it says which data there is
                move(explorer, {**began, **corner})
                look_at(explorer, as_image=len(corner) == 1)
        except Exception as error:
            yield corner, sentence(error)


def move(explorer: Explorer | ByHand, values: dict) -> None:
    if isinstance(explorer, Explorer):
        return explorer.set(**values)
    for name, value in values.items():
        setattr(explorer, name, value)


def look_at(explorer: Explorer | ByHand, *, as_image: bool) -> None:
    """AssertionError unless there is a picture, a text at both ends of the steps, and no excuse."""
    by_hand = isinstance(explorer, ByHand)
    shown = scene(explorer.trace) if by_hand else explorer.scene
    assert has_a_picture(shown.as_json()), "no picture"
    assert by_hand or explorer.status == "", f"the status is {explorer.status!r}"
    for step in (0, shown.frames - 1):
        explorer.step = step
        assert explorer.describe(), f"no text at step {step}"
    if as_image:
        assert plots.png(explorer.picture()), "no image"


def has_a_picture(scene: dict) -> bool:
    """Strict JSON, and in the main panel, before adapting, more than the task's own marks."""
    json.dumps(scene, allow_nan=False)
    main = next(panel for panel in scene["panels"] if panel["place"] == "main")
    if main["x"] is None:  # drawings
        return all(mark["images"] for mark in main["marks"])
    drawn = [mark for mark in main["marks"] if mark["role"] not in ("truth", "support", "query")]
    at_first = [{**mark, **mark.get("frames", [{}])[0]} for mark in drawn]
    return any(y is not None for mark in at_first for y in np.ravel(mark.get("y", [])))
