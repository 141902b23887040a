"""Any value gives a picture: traces that are hard to draw, and what is promised of every one."""

from __future__ import annotations

import base64
import dataclasses
import io
import json

import matplotlib.image
import numpy as np
import pytest

from maml_edu.views import plots
from maml_edu.views.scenes import PlaneTrace, scene
from tests.views import made_up
from tests.views.scenes.test_scenes import TRACES, drawn

pytestmark = pytest.mark.filterwarnings("error")


def changed(name: str, **fields: object) -> object:
    return dataclasses.replace(TRACES[name], **fields)


AWKWARD = {
    **TRACES,
    "a learned rate": changed("adaptation", rate="learned inner_lr"),
    "no true curve": changed("adaptation", true_curve=None),
    "a hundred steps": made_up.adaptation(steps=100, factor=0.95),
    "slowly diverged": made_up.adaptation(factor=-3.0),
    "no support": made_up.adaptation(shots=0),
    "no queries": changed("adaptation", query_x=np.array([]), query_y=np.array([])),
    "a hole": changed("plane", height=np.where(np.eye(51, 41) > 0, np.inf, 1.0)),
    "an empty plane": changed(
        "plane", axis_x=np.array([]), axis_y=np.array([]), height=np.empty((0, 0))
    ),
    "an arrow of zero": changed("plane", arrows={"none": np.zeros(2)}),
    "one arrow not finite": changed(
        "plane", arrows={"lost": np.full(2, np.nan), "there": np.ones(2)}
    ),
    "no arrows": changed("plane", arrows={}),
    "theta far outside": changed("plane", theta=np.array([1e9, -1e9])),
    "no queries to classify": made_up.classification(queries=0),
    "no queries to place": made_up.embedding(queries=0),
    "an empty grid": made_up.gallery(0),
}

KINDS = ["drawings", "adaptation", "comparison", "by hand", "plane", "landscape", "training",
         "sweep", "classification", "embedding", "gallery", "curves"]  # fmt: skip
# What may stand in any array of numbers of a trace.
VALUES = {
    "constant": lambda a: np.full_like(a, 2.5),
    "zero": np.zeros_like,
    "a tiny range far from 0": lambda a: 100 + 3e-3 * _ranks(a),
    "below the precision of floats": lambda a: 1e9 * (1 + 1e-16 * _ranks(a)),
    "huge": lambda a: 1e308 * (2 * _ranks(a) - 1),
    "very small": lambda a: 1e-308 * _ranks(a),
    "nan": lambda a: np.full_like(a, np.nan),
    "infinite": lambda a: np.full_like(a, np.inf),
    "infinite and not": lambda a: np.where(_ranks(a) > 0.5, -np.inf, _ranks(a)),
}


def _ranks(a: np.ndarray) -> np.ndarray:
    return np.linspace(0, 1, a.size).reshape(a.shape)


def with_values(part: object, change) -> object:
    """A part of a trace in which every array of floats is changed."""
    if isinstance(part, np.ndarray):
        return change(part) if part.dtype == float else part
    if isinstance(part, dict):
        return {key: with_values(value, change) for key, value in part.items()}
    if isinstance(part, tuple):
        return tuple(with_values(value, change) for value in part)
    if dataclasses.is_dataclass(part):
        names = [field.name for field in dataclasses.fields(part)]
        values = {name: with_values(getattr(part, name), change) for name in names}
        return dataclasses.replace(part, **values)
    return part


def check_scene(trace: object) -> None:
    """Strict JSON, text and a look for everything in every frame, axes that have a length."""
    made = drawn(trace)
    frames = made["frames"]
    assert frames == len(made["summary"]) >= 1
    assert all(made["summary"])
    for panel in made["panels"]:
        assert len(panel["alt"]) == frames
        for axis in (panel["x"], panel["y"]) if panel["x"] else ():
            low, high = axis["domain"]
            assert low < high
            assert axis["scale"] == "linear" or low > 0
        for mark in panel["marks"]:
            assert mark["role"] in made["style"]
            assert len(mark.get("frames", range(frames))) == frames


@pytest.mark.parametrize("name", AWKWARD)
def test_it_has_a_scene(name):
    check_scene(AWKWARD[name])


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("name", KINDS)
def test_it_has_a_scene_with_any_values_in_any_field(name, values):
    trace = TRACES[name]
    for field in dataclasses.fields(trace):
        part = with_values(getattr(trace, field.name), VALUES[values])
        check_scene(dataclasses.replace(trace, **{field.name: part}))
    check_scene(with_values(trace, VALUES[values]))


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("name", KINDS)
def test_any_values_are_printed(name, values):
    figure = plots.picture(with_values(TRACES[name], VALUES[values]))
    figure.set_layout_engine(None)  # arranging it takes longest, and is looked at below
    figure.canvas.draw()


@pytest.mark.parametrize("name", AWKWARD)
def test_nothing_runs_out_of_the_print_picture(name):
    figure = plots.picture(AWKWARD[name])
    image = matplotlib.image.imread(io.BytesIO(base64.b64decode(plots.png(figure))))[..., :3]
    assert (image < 0.5).any(axis=-1).sum() > 500  # there is ink
    edges = np.concatenate([image[:2], image[-2:]]).mean(-1), image[:, [0, 1, -2, -1]].mean(-1)
    assert min(edge.min() for edge in edges) > 0.99


@pytest.mark.parametrize("name", AWKWARD)
def test_marks_of_one_panel_differ_in_more_than_colour(name):
    made = drawn(AWKWARD[name])
    for panel in made["panels"]:
        looks = {}
        for mark in panel["marks"]:
            look = made["style"][mark["role"]]
            told = {"points": (look["marker"], look["filled"]), "arrow": mark.get("width")}
            if mark["name"]:
                looks[mark["name"]] = (mark["kind"], told.get(mark["kind"], str(look["dash"])))
        assert len(set(looks.values())) == len(looks), looks


@pytest.mark.parametrize("factor", [0.6, 0.99, -0.9])
def test_a_run_that_stays_is_not_called_diverged(factor):
    made = scene(made_up.adaptation(factor=factor))
    assert not any(note for panel in made.panels for note in panel.notes)


def test_a_run_that_leaves_is_drawn_up_to_there():
    function, _, path = drawn(made_up.adaptation(factor=-3.0))["panels"]
    gone = next(step for step, note in enumerate(function["notes"]) if note)
    adapted = next(mark for mark in function["marks"] if mark["role"] == "adapted")
    seen = [any(value is not None for value in frame["y"]) for frame in adapted["frames"]]
    assert seen == [step <= gone for step in range(11)]
    assert [value is not None for value in path["marks"][0]["x"]] == seen


def test_arrows_end_inside_the_plane_at_the_scale_that_is_said():
    trace = TRACES["plane"]
    panel = scene(trace).panels[0]
    for mark in (mark for mark in panel.marks if mark.kind == "arrow"):
        tip = np.array([mark.dx, mark.dy])
        ratio = tip / trace.arrows[mark.name]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-3)
        assert f"{ratio[0]:.3g} times" in panel.caption
        for end, axis in zip(trace.theta + tip, (panel.x, panel.y), strict=True):
            assert axis.domain[0] <= end <= axis.domain[1]


def test_contours_lie_on_their_height():
    axis = np.linspace(-1, 1, 101)
    bowl = PlaneTrace(axis, axis, axis[None] ** 2 + axis[:, None] ** 2, np.zeros(2), {})
    contours = scene(bowl).panels[0].marks[0]
    assert len(contours.lines) > 5
    for line in contours.lines:
        assert np.ptp(np.hypot(*line.T)) < 0.01


def test_a_tiny_range_far_from_zero_is_seen():
    """Its curve fills the picture, though its values agree in their first five digits."""
    y = 100 + 3e-3 * np.linspace(0, 1, 120)
    trace = changed("adaptation", curves=np.tile(y, (11, 1)), true_curve=y, support_y=y[:5],
                    query_y=y[-40:])  # fmt: skip
    panel = drawn(trace)["panels"][0]
    low, high = panel["y"]["domain"]
    assert 99.999 < low < 100 < 100.003 < high < 100.004
    line = next(mark for mark in panel["marks"] if mark["role"] == "truth")
    np.testing.assert_allclose(line["y"], y, atol=1e-6)


def test_a_scene_is_strict_json():
    json.dumps(scene(TRACES["diverged"]).as_json(), allow_nan=False)  # raises at nan, an array, …
