"""The one door from torch to NumPy: run a learner, and return what there is to see as a trace.

Every function here runs the real network through the learner's own `adapt`. The traces are frozen
dataclasses of `maml_edu.views.scenes`, which knows no torch.
"""

from maml_edu.views.traces.adaptation_trace import adaptation, comparison
from maml_edu.views.traces.arrays import label_name
from maml_edu.views.traces.classification_trace import classification
from maml_edu.views.traces.drawings_trace import drawings, image_of
from maml_edu.views.traces.embedding_trace import embedding
from maml_edu.views.traces.landscape_trace import landscape
from maml_edu.views.traces.parameter_plane import main_plane, random_plane, unflat
from maml_edu.views.traces.plane_trace import plane
from maml_edu.views.traces.quiz_questions import quiz
from maml_edu.views.traces.training_trace import training

__all__ = [
    "adaptation",
    "classification",
    "comparison",
    "drawings",
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
