"""The pad without a browser: drawings in, pictures and sentences out, and the way between them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.learners import MAML
from maml_edu.models import conv4
from maml_edu.views.drawing import Drawing, DrawingSet
from maml_edu.views.drawing.drawing_set import read_drawing_set
from maml_edu.views.drawing.strokes import place, rasterise
from maml_edu.views.scenes import DrawingsTrace, scene
from maml_edu.views.traces import drawings_trace
from maml_edu.views.widgets import Draw
from tests.lessons.every_end import ends
from tests.views import made_up

NAMES = ("A", "B", "C", "D", "E")


def stroke(seed: int) -> Drawing:
    points = np.random.default_rng(seed).uniform(20, 80, (6, 2)).round(1)
    return Drawing("strokes", (tuple(map(tuple, points.tolist())),))


def a_set(way: int = 3, shots: int = 1) -> DrawingSet:
    some = [tuple(stroke(10 * c + k) for k in range(shots)) for c in range(way)]
    return DrawingSet(tuple(some), stroke(99))


def seen(drawings: DrawingSet) -> DrawingsTrace:
    """A trace whose numbers are made up; only its shapes are those of the drawings."""
    return made_up.drawn(drawings.way, drawings.shots)


def networks() -> dict:
    net = conv4(3)
    learner = MAML(net, cross_entropy, inner_lr=0.4, protocol="support-only")
    inits = (net.init(generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    return {name: (learner, theta) for name, theta in zip(("one", "other"), inits, strict=True)}


# The drawings' way to the networks


def test_strokes_go_the_way_of_the_data():
    from maml_edu.tasks.data.archive import shrink

    one = stroke(0)
    seen = drawings_trace.as_tensor([one, Drawing.of_grey(drawings_trace.image_of(one))])
    assert seen.shape == (2, 1, 28, 28)
    assert seen.dtype == torch.float32
    assert (255 * seen[0, 0].numpy()).round().tolist() == shrink(
        rasterise(place(one.content))
    ).tolist()
    assert torch.equal(seen[0], seen[1])


def test_a_support_set_takes_what_there_is():
    drawings = DrawingSet(((stroke(0), None), (None, stroke(1)), (stroke(2), stroke(3))), None)
    x, y = drawings_trace.support_of(drawings)
    assert y.tolist() == [0, 1, 2, 2]
    assert torch.equal(x, drawings_trace.as_tensor(stroke(k) for k in range(4)))


def test_the_trace_is_what_the_learners_say():
    drawings = a_set(shots=2)
    trace = drawings_trace.drawings(networks(), drawings, inner_steps=2)
    assert trace.probabilities.shape == (2, 3, 3)
    (x, y), query = drawings_trace.support_of(drawings), drawings_trace.as_tensor([drawings.query])
    for i, (learner, theta) in enumerate(networks().values()):
        for step, state in enumerate(learner.adapt(theta, (x, y), inner_steps=2)):
            chances = learner.predict(state, query, x)[0].softmax(0).detach().numpy()
            assert np.allclose(trace.probabilities[i, step], chances, atol=1e-4)
            loss = learner.loss_at(state, x, y).item()
            assert trace.support_loss[i, step] == pytest.approx(loss, rel=1e-3)
    with pytest.raises(ValueError, match="still to be drawn: the query"):
        drawings_trace.drawings(networks(), DrawingSet(drawings.support, None))
    transductive = {"it": (MAML(conv4(3), cross_entropy), {})}
    with pytest.raises(ValueError, match="protocol of it is 'transductive'; .* 'support-only'"):
        drawings_trace.drawings(transductive, drawings)


# What is shown


@pytest.mark.parametrize("way", [2, 5])
@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("growth", [1e-2, 1.0, 1e60, np.nan])
def test_the_scene_says_it_all(way, shots, growth):
    trace = made_up.drawn(way, shots, growth=growth)
    made = scene(trace).as_json()
    assert made["frames"] == 4
    answers, support, losses = made["panels"]
    assert [len(bars) for bars in answers["marks"][0]["frames"][2]["bars"]] == [way, way]
    assert len(support["marks"][0]["images"]) == way * shots
    assert answers["marks"][0]["frames"][0]["captions"][0] == "trained: cannot say"
    best = NAMES[trace.probabilities[1, 2].argmax()]
    assert f"fresh: {best} " in made["summary"][2]
    assert any(losses["notes"]) == (growth not in (1e-2, 1.0))


# The widget


@pytest.fixture
def pad() -> Draw:
    return Draw(seen, a_set(), {"a wave": stroke(7)})


def test_all_that_the_browser_needs(pad):
    assert read_drawing_set(pad.values["drawings"]) == a_set()
    assert pad.palette == [{"name": "a wave", "drawing": stroke(7).as_json()}]
    assert pad.limits == {
        "page": 105,
        "pen": 5.0,
        "names": "ABCDE",
        "ways": (2, 5),
        "shots": (1, 3),
    }
    assert pad.step == 3
    assert ".maml-draw" in pad._css
    assert ".maml-player" in pad._css


def ask(pad, drawings, number):
    pad._asked(pad, {"type": "set", "seq": number, "values": {"drawings": drawings}}, None)


def test_a_stroke_makes_a_new_picture(pad):
    before = pad.scene
    ask(pad, a_set(4, 2).as_json(), 5)
    assert (pad.answered, pad.status, pad.missing) == (5, "", "")
    assert pad.scene != before
    assert pad.drawings == a_set(4, 2)
    assert pad.describe().startswith("A pad to draw on, 4-way 2-shot. The query, after 3 inner")


def test_what_is_still_to_be_drawn_is_said_and_no_network_asked(pad):
    before = pad.scene
    ask(pad, DrawingSet(((stroke(0),), (None,)), None).as_json(), 6)
    assert (pad.answered, pad.status) == (6, "")
    assert pad.missing == "B and the query"
    assert pad.scene == before
    assert pad.describe().endswith("Still to be drawn: B and the query.")
    ask(pad, a_set().as_json(), 7)
    assert pad.missing == ""


def test_a_bad_set_is_told_and_changes_nothing(pad):
    before = pad.values, pad.drawings
    ask(pad, {"format": "x"}, 8)
    assert pad.answered == 8
    assert pad.status.startswith("format is 'x'; ")
    assert (pad.values, pad.drawings) == before
    with pytest.raises(ValueError, match="there is rate; .* drawings"):
        pad.set(rate=1)


def test_a_computation_that_fails_leaves_the_old_drawings(pad):
    def fails(drawings):
        raise RuntimeError("no luck")

    pad._compute = fails
    ask(pad, a_set(5).as_json(), 9)
    assert pad.status == "RuntimeError: no luck"
    assert pad.drawings == a_set()


def test_python_sets_drawings_too(pad):
    least, most = ends(pad)["drawings"]
    assert ((least.way, least.shots), (most.way, most.shots)) == ((2, 1), (5, 3))
    for drawings in (least, most):
        pad.set(drawings=drawings)
        assert read_drawing_set(pad.values["drawings"]) == drawings
        assert pad.scene.panels[0].marks[0].names == NAMES[: drawings.way]


def test_a_set_to_open_with_has_everything():
    with pytest.raises(ValueError, match="start lacks C; "):
        Draw(seen, DrawingSet((*a_set(2).support, (None,)), stroke(0)))
