"""The pen: what it inks, where it puts a drawing, and that its numbers are Omniglot's."""

from __future__ import annotations

import os

import numpy as np
import pytest

from benchmarks.draw import BACKGROUND, boxes, line_widths, pages, strokes_of, thin
from maml_edu.tasks.data.load import load_drawings, omniglot_folder
from maml_edu.views.drawing import Drawing
from maml_edu.views.drawing import strokes as pen
from maml_edu.views.traces import image_of

needs_omniglot = pytest.mark.skipif(
    "MAML_EDU_DATA" not in os.environ,
    reason="needs Omniglot: name the folder of its two zips in MAML_EDU_DATA",
)
Z = [(30.0, 30.0), (70.0, 32.0), (33.0, 68.0), (72.0, 71.0)]


def test_it_inks_what_is_within_half_a_width_of_a_line():
    """By the distance to very many dots along the way, instead of to the line."""
    ink = pen.rasterise([Z, [(90.0, 10.0)]], width=6.0)
    way = np.concatenate([np.linspace(a, b, 2000) for a, b in zip(Z, Z[1:], strict=False)])
    way = np.concatenate([way, [(90.0, 10.0)]])
    rows = np.arange(0, 105, 7)  # some of them, for speed
    x, y = np.meshgrid(np.arange(105) + 0.5, rows + 0.5)
    near = np.stack([np.hypot(x - a, y - b) for a, b in way[::4]]).min(0)
    clear = np.abs(near - 3) > 0.05
    assert (ink[rows][clear] == (near <= 3)[clear]).all()
    assert ink[10, 90]  # y first
    assert not ink[90, 10]


def test_ink_beyond_the_page_is_cut_and_the_same_strokes_give_the_same_ink():
    ink = pen.rasterise([[(-20.0, 50.5), (200.0, 50.5)]])
    assert ink.all(1).sum() == 5
    assert (pen.rasterise([Z]) == pen.rasterise([Z])).all()
    assert not pen.rasterise([]).any()
    with pytest.raises(ValueError, match="width is 0; it must be above 0"):
        pen.rasterise([Z], width=0)


def box(strokes):
    points = np.concatenate(strokes)
    low, high = points.min(0) - pen.WIDTH / 2, points.max(0) + pen.WIDTH / 2
    return (low + high) / 2, (high - low).max()


def test_what_is_usual_stays_as_it_is():
    assert np.array_equal(pen.place([Z])[0], np.array(Z))


@pytest.mark.parametrize("scale", [0.25, 0.6, 1.0, 2.3])
@pytest.mark.parametrize("shift", [(-28, -28), (30, -20), (0, 30)])
def test_what_is_not_becomes_so_and_keeps_its_shape(scale, shift):
    before = scale * (np.array(Z) - 50) + 50 + shift
    [after] = pen.place([before])
    middle, longest = box([after])
    assert pen.LONGEST[0] - 1e-9 <= longest <= pen.LONGEST[1] + 1e-9
    for at, (least, most) in zip(middle, pen.MIDDLE, strict=True):
        assert least - 1e-9 <= at <= most + 1e-9
    a, b = (points - points.mean(0) for points in (before, after))
    assert np.allclose(a / np.abs(a).max(), b / np.abs(b).max())
    assert (after.min(0) >= 0).all()
    assert (after.max(0) <= pen.PAGE).all()


def test_a_dot_stays_a_dot():
    [dot] = pen.place([[(3.0, 100.0)]])
    assert dot.tolist() == [[37.0, 64.0]]
    [speck] = pen.place([[(50.0, 50.0), (50.5, 50.0)]])
    assert np.ptp(speck[:, 0]) == pytest.approx(0.5 * pen.LARGER)
    assert pen.place([]) == []


@pytest.fixture(scope="module")
def background() -> dict[str, np.ndarray]:
    """One of the twenty drawings of each background character."""
    return pages(omniglot_folder(), BACKGROUND, every=20)


@needs_omniglot
def test_the_numbers_are_those_of_the_data(background):
    ink = np.concatenate(list(background.values()))
    assert np.median(line_widths(ink[::8])) == pen.WIDTH
    longest, x, y = boxes(ink)
    for values, ends in [(longest, pen.LONGEST), (x, pen.MIDDLE[0]), (y, pen.MIDDLE[1])]:
        inside = (ends[0] <= values) & (values <= ends[1])
        assert 0.96 <= inside.mean() < 0.995
        assert (values < ends[0]).any()
        assert (values > ends[1]).any()


@needs_omniglot
def test_a_page_becomes_the_very_image_that_the_package_has(background):
    drawings = load_drawings(progress=False)
    for name in list(background)[::120]:
        own = drawings.images[drawings.names.index(name), 0].numpy()
        assert np.array_equal(image_of(Drawing.of_ink(background[name][0])), own), name


@needs_omniglot
def test_a_drawing_that_is_thinned_and_drawn_anew_is_nearly_the_same(background):
    ink = np.concatenate(list(background.values()))[::48]
    again = np.stack([pen.rasterise(pen.place(strokes_of(lines))) for lines in thin(ink)])
    shared = (ink & again).sum((1, 2)) / (ink | again).sum((1, 2))
    assert np.median(shared) > 0.85
