"""Print pictures of traces, in matplotlib.

They are drawn from the same scene as the player::

    plots.picture(trace, step=5)           # a Figure of the whole scene
    plots.show(figure, "What it shows")    # any other figure, with its text alternative
"""

from maml_edu.views.plots.figures import picture, png, show

__all__ = ["picture", "png", "show"]
