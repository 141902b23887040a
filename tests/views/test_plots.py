"""The print pictures: every record, every step, without a warning, with a text alternative."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from maml_edu.views import plots
from tests.views import made_up
from tests.views.scenes.test_scenes import TRACES


@pytest.mark.parametrize("name", RECORDS)
def test_the_first_step_is_drawn_without_a_warning(name):
    """The last one, too: tests/views/widgets/test_awkward.py, which looks at its pixels."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plots.picture(RECORDS[name], 0)
        figure.draw_without_rendering()
    assert figure.axes


def test_the_curve_drawn_is_the_curve_of_that_step():
    trace = RECORDS["adaptation"]
    for step in (0, 4):
        lines = {line.get_label(): line for line in plots.function(trace, step).lines}
        assert lines["adapted"].get_ydata() == pytest.approx(trace.curves[step], abs=2e-3)


def test_the_bars_drawn_are_the_probabilities_of_that_step():
    record = RECORDS["classification"]
    queries = plots.picture(record, 2).axes[1]
    bars = [bar.get_height() for container in queries.containers for bar in container]
    shown = record.probabilities[2].reshape(5, 3, 5).swapaxes(0, 1)  # a query of each class in turn
    ratio = np.array(bars) / shown.ravel()
    assert ratio == pytest.approx(ratio[0], rel=0.02)
    words = {text.get_text() for text in queries.texts}
    assert any(word.startswith("A ✓") for word in words)


def test_draws_on_the_axes_it_is_given():
    figure, ax = plt.subplots()
    assert plots.losses(RECORDS["adaptation"], 2, ax) is ax
    assert isinstance(plots.plane(RECORDS["plane"]), Axes)
    plt.close(figure)


def test_shown_figures_carry_their_words():
    shown = plots.show(plots.adaptation(made_up.adaptation(), 3))
    html = shown._repr_html_() if hasattr(shown, "_repr_html_") else str(shown._repr_mimebundle_())
    assert "inner step 3 of 10" in html


def test_a_figure_without_words_is_refused():
    figure, _ = plt.subplots()
    with pytest.raises(ValueError, match="alt"):
        plots.show(figure)
    plt.close(figure)


def test_a_panel_that_is_not_there_is_said():
    with pytest.raises((TypeError, ValueError)):
        plots.path(RECORDS["training"])


def test_a_step_beyond_the_last_is_said():
    with pytest.raises(ValueError, match="step is 11; allowed are 0 to 10"):
        plots.adaptation(made_up.adaptation(), 11)
