"""From torch to NumPy: run a learner, and return what there is to see as a frozen trace.

Every function here runs the real network through the learner's own `adapt`. The traces themselves
are dataclasses of `maml_edu.views.scenes`, which knows no torch.
"""

from maml_edu.views.traces.feature_plane import embedding
from maml_edu.views.traces.loss_landscape import landscape, main_plane, random_plane, unflat
from maml_edu.views.traces.own_drawings import drawn, image_of
from maml_edu.views.traces.questions import quiz
from maml_edu.views.traces.regression import (
    adaptation,
    classification,
    comparison,
    label_name,
    plane,
    training,
)

__all__ = [
    "adaptation",
    "classification",
    "comparison",
    "drawn",
    "embedding",
    "image_of",
    "label_name",
    "landscape",
    "main_plane",
    "plane",
    "quiz",
    "random_plane",
    "training",
    "unflat",
]
