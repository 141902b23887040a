"""The print pictures: every trace, every step, without a warning, with a text alternative."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from maml_edu.views import plots
from tests.views import made_up
from tests.views.scenes.test_scenes import TRACES


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", TRACES)
def test_the_first_step_is_drawn_without_a_warning(name):
    """The last one, too: tests/views/scenes/test_awkward.py, which looks at its pixels."""
    figure = plots.picture(TRACES[name], 0)
    figure.draw_without_rendering()
    assert figure.axes


def test_the_curve_drawn_is_the_curve_of_that_step():
    trace = TRACES["adaptation"]
    for step in (0, 4):
        function = plots.picture(trace, step).axes[0]
        lines = {line.get_label(): line for line in function.lines}
        assert lines["adapted"].get_ydata() == pytest.approx(trace.curves[step], abs=2e-3)


def test_the_bars_drawn_are_the_probabilities_of_that_step():
    trace = TRACES["classification"]
    queries = plots.picture(trace, 2).axes[1]
    bars = [bar.get_height() for container in queries.containers for bar in container]
    shown = trace.probabilities[2].reshape(5, 3, 5).swapaxes(0, 1)  # a query of each class in turn
    ratio = np.array(bars) / shown.ravel()
    assert ratio == pytest.approx(ratio[0], rel=0.02)
    words = {text.get_text() for text in queries.texts}
    assert any(word.startswith("A ✓") for word in words)


def test_shown_figures_carry_their_words():
    bundle = plots.show(plots.picture(made_up.adaptation(), 3))._repr_mimebundle_()
    assert "inner step 3 of 10" in bundle["text/html"]
    assert bundle["image/png"] in bundle["text/html"]
    assert bundle["text/plain"].startswith("MAML with inner_lr 0.01, inner step 3 of 10")


def test_a_figure_without_words_is_refused():
    figure, _ = plt.subplots()
    with pytest.raises(ValueError, match="alt is empty"):
        plots.show(figure)
    plt.close(figure)


@pytest.mark.parametrize("step", [-1, 11])
def test_a_step_that_is_not_there_is_refused(step):
    with pytest.raises(ValueError, match=f"step is {step}; .* 0 to 10"):
        plots.picture(made_up.adaptation(), step)
