"""A task by hand: what Python takes and tells; the browser's arithmetic is the package's."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from traitlets import TraitError

import maml_edu.views.widgets
from maml_edu.foundation.checks import InputError
from maml_edu.learners import ANIL, IMAML, MAML, MetaSGD
from maml_edu.models import mlp
from maml_edu.models.functional import Model
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks
from maml_edu.views import plots, traces
from maml_edu.views.scenes import scene
from maml_edu.views.widgets import ByHand

JS = Path(maml_edu.views.widgets.__file__).parent / "js"
TASKS = SinusoidTasks()
STEPS = 10
EPS = np.finfo(np.float32).eps
EDGES = [[-5.0, -6.0], [-5.0, 6.0], [5.0, -6.0], [5.0, 6.0]]
POINTS = {
    "none": [],
    "one": [[1.5, -2.0]],
    "five of a wave": [[x, 3.5 * math.sin(x - 1)] for x in (-4.5, -3.5, -2.5, -1.5, -0.5)],
    "all at one x": [[0.5, y] for y in (-3.0, 0.0, 4.0)],
    "half a wave apart": [[0.5, 1.0], [0.5 + math.pi, 2.0]],
    "at the edges": EDGES,
    "as many as fit": [[-5 + 10 * k / 19, 5.9 * math.cos(7 * k)] for k in range(20)],
}
RUN = """
import { readFileSync } from "node:fs";
import { gridOf, learnersOf } from "./by_hand/learners.js";
const { setup, networks, tasks } = JSON.parse(readFileSync(0, "utf-8"));
const bytes = new DataView(Uint8Array.from(Buffer.from(networks, "hex")).buffer);
const learners = learnersOf(setup, bytes, gridOf(setup));
const steps = [...Array(setup.steps + 1).keys()];
const seen = tasks.map((points) => learners.map((one) => {
  one.learn(points);
  return { curves: steps.map((k) => one.curve(k)), losses: steps.map((k) => one.loss(k)) };
}));
console.log(JSON.stringify(seen));
"""


def contestants() -> dict:
    """A shipped theta, one that learned its rates, a body that rests, and a deep network."""
    start = checkpoint.load("sine-maml")
    seed = torch.Generator().manual_seed(3)
    rated = MAML(start.learner.model, inner_lr=0.02, inner_steps=3, learned_rates=True)
    theta = rated.init(generator=seed)
    for name in theta:
        if name.startswith("log_inner_lr."):
            theta[name] = theta[name] + torch.randn(3, generator=seed)
    head, deep = ANIL(mlp(1, 12, 1), inner_lr=0.05), MAML(mlp(1, 7, 5, 6, 1), inner_lr=0.01)
    return {
        "meta-trained": (start.learner, start.theta),
        "rates": (rated, theta),
        "head alone": (head, head.init(generator=seed)),
        "deep": (deep, deep.init(generator=seed)),
    }


def small() -> ByHand:
    learner = MAML(mlp(1, 4, 1), inner_lr=0.01)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    return ByHand(lambda points: traces.by_hand({"it": (learner, theta)}, points), wave=(2.0, 0.5))


@pytest.fixture(scope="module")
def node() -> str:
    path = shutil.which("node")
    if path is None:
        pytest.skip("Node.js is not installed, so the browser's arithmetic was not compared")
    return path


# The browser's arithmetic


@pytest.fixture(scope="module")
def by_node(node):
    """What the widget's own modules make of each set of points: per learner, curves and losses."""
    widget = ByHand(lambda points: traces.by_hand(contestants(), points, tasks=TASKS))
    asked = {
        "setup": json.loads(widget.setup),
        "networks": widget.networks.hex(),
        "tasks": list(POINTS.values()),
    }
    done = subprocess.run(
        [node, "--input-type=module", "-e", RUN],
        cwd=JS, input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(zip(POINTS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("name", POINTS)
def test_the_browser_takes_the_same_inner_steps(by_node, name):
    """In every step, network and curve: as near to the package in float64 as its float32 is, or to
    within a few roundings of float32."""
    exact = traces.by_hand(
        {
            name: (learner, {key: p.double() for key, p in theta.items()})
            for name, (learner, theta) in contestants().items()
        },
        POINTS[name], tasks=TASKS,
    )  # fmt: skip
    trace = traces.by_hand(contestants(), POINTS[name], tasks=TASKS)
    *networks, best = by_node[name]
    for i, seen in enumerate(networks):
        for found, theirs, truth in (
            (seen["curves"], trace.curves[i], exact.curves[i]),
            (seen["losses"], trace.support_loss[i], exact.support_loss[i]),
        ):
            found = np.array(found, float)
            assert found.shape == truth.shape
            scale = np.nanmax(np.abs(truth), initial=1.0)
            allowed = np.nanmax(np.abs(theirs - truth), initial=0.0) + 4 * EPS * scale
            np.testing.assert_allclose(found, truth, rtol=0, atol=allowed)
    wave = np.array(best["curves"], float)
    assert wave.shape == (STEPS + 1, len(trace.grid_x))
    np.testing.assert_allclose(wave[0], trace.best_wave, rtol=1e-4, atol=1e-4)
    assert np.ptp(np.nan_to_num(wave), axis=0).max() == 0


# The trace


def test_the_trace_is_the_learners_own():
    theirs = contestants()
    points = POINTS["five of a wave"]
    trace = traces.by_hand(theirs, points, tasks=TASKS, inner_steps=3, grid=41)
    x, y = torch.tensor(points, dtype=torch.float32).split(1, 1)
    grid = torch.linspace(-5, 5, 41)[:, None]
    for i, (learner, theta) in enumerate(theirs.values()):
        for step, state in enumerate(learner.adapt(theta, (x, y), inner_steps=3)):
            seen = learner.predict(state, grid)[:, 0]
            np.testing.assert_allclose(trace.curves[i, step], seen.detach(), rtol=1e-5)
            loss = learner.loss_at(state, x, y).item()
            assert trace.support_loss[i, step] == pytest.approx(loss)
    assert trace.networks[0].sizes == [1, 40, 40, 1]
    head_alone = trace.networks[2].rates  # ANIL's body rests
    np.testing.assert_allclose(head_alone, [[0, 0, 0.05, 0.05]] * 3, rtol=1e-6)
    np.testing.assert_allclose(trace.best_wave, 3.5 * np.sin(trace.grid_x - 1), atol=1e-5)


@pytest.mark.parametrize("name", ["none", "one", "all at one x", "half a wave apart"])
def test_where_points_leave_the_wave_open_none_is_claimed(name):
    trace = traces.by_hand(contestants(), POINTS[name])
    assert np.isnan(trace.best_wave).all()
    assert math.isnan(trace.best_wave_loss)
    assert np.isfinite(trace.curves).all()


def test_off_a_wave_the_best_one_errs_least():
    points = np.array(POINTS["as many as fit"])
    trace = traces.by_hand(contestants(), points.tolist())
    form = np.stack([np.sin(points[:, 0]), np.cos(points[:, 0])], 1)
    left = np.linalg.lstsq(form, points[:, 1], rcond=None)[1].item() / len(points)
    assert trace.best_wave_loss == pytest.approx(left, rel=1e-5)


def tanh_network() -> Model:
    return Model(lambda: torch.nn.Sequential(
        torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("learner", "words"),
    [
        (MAML(tanh_network()), "the model of it must be dense layers with ReLU"),
        (IMAML(mlp(1, 4, 1)), "it is IMAML .* plain gradient steps"),
        (MetaSGD(mlp(1, 4, 1)), "it has a rate for each number of 0.weight"),
        (MAML(mlp(1, 4, 1), torch.nn.functional.l1_loss), "the mean squared error"),
    ],
)
def test_what_the_browser_cannot_repeat_is_refused(learner, words):
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match=words):
        traces.by_hand({"it": (learner, theta)})


# The widget


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.filterwarnings("error")
def test_any_points_give_a_picture_and_words(name):
    widget = small()
    widget.points = POINTS[name]
    assert widget.trace.points.shape == (len(POINTS[name]), 2)
    for widget.step in (0, STEPS):
        assert widget.describe().startswith(f"{len(POINTS[name])} point")
        assert "nan" not in widget.describe()
    json.dumps(scene(widget.trace).as_json(), allow_nan=False)
    assert plots.png(widget.picture()).startswith("iVBOR")


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([[0.0, math.nan]], "a point is .0.0, nan.; it must be .x, y., x from -5 to 5 and y"),
        ([[0.0, 6.1]], "y from -6 to 6"),
        ([[-5.1, 0.0]], "x from -5 to 5"),
        ([[0.0]], "a point is"),
        ([3], "a point is 3"),
        ([[0.0, 0.0]] * 21, "points has 21 points; it must have at most 20"),
    ],
)
def test_points_outside_the_picture_are_refused(points, words):
    widget = small()
    widget.points = [[1, 1]]
    with pytest.raises((InputError, TraitError), match=words):
        widget.points = points
    assert widget.points == [[1.0, 1.0]]


def test_the_wave_is_on_the_grid_and_stays_strict():
    widget = small()
    np.testing.assert_allclose(widget.drawn, 2 * np.sin(widget.trace.grid_x - 0.5), atol=6e-4)
    with pytest.raises((InputError, TraitError), match="drawn"):
        widget.drawn = [1.0]
    with pytest.raises((InputError, TraitError), match="drawn"):
        widget.drawn = [math.nan] * 161
    widget.drawn = [None] * 80 + [1.0] * 81
    assert np.isnan(widget.trace.wave[:80]).all()
    with pytest.raises(InputError, match=r"wave is \(1.0, nan\)"):
        ByHand(widget._compute, wave=(1.0, math.nan))


def test_the_step_stays_within_the_steps():
    widget = small()
    for asked, kept in ((99, STEPS), (-1, 0)):
        widget.step = asked
        assert widget.step == kept


def test_readers_without_javascript_get_the_words():
    widget = small()
    widget.points = POINTS["five of a wave"]
    data, _ = widget._repr_mimebundle_()
    assert data["text/plain"] == widget.describe()
    assert "5 points placed by hand, after 1 inner step" in widget.describe()
    assert "on the whole wave" in widget.describe()


def test_theta_travels_as_bytes():
    widget = small()
    theta = next(iter(widget.trace.networks))
    numbers = np.frombuffer(widget.networks, "<f4")
    assert numbers[:4].tolist() == theta.parameters[0][:, 0].astype("f4").tolist()
    assert len(numbers) == 4 + 4 + 4 + 1 + STEPS * 4
    state = widget.get_state()
    assert isinstance(state["networks"], bytes)
