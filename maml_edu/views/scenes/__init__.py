"""Scenes: what there is to see in a trace, as plain typed data. `plots` and the player draw them.

A trace (`AdaptationTrace`, ...) is a frozen dataclass of NumPy arrays, which `views.traces` fills
from real networks. Steps run from 0 (at theta) to `inner_steps`, so per-step arrays have
`inner_steps + 1` entries. Values that are not finite mean that the adaptation diverged there.

`scene(trace)` gives a `Scene`: panels (`Panel`) with axes (`Axis`) and marks (`marks`) on them, and
a text for every frame. `Scene.as_json()` is what the browser receives. To add a picture: one module
with a trace and its scene here, one line below, one module in `traces`.
"""

from maml_edu.views.scenes.adaptation import AdaptationTrace
from maml_edu.views.scenes.axis import Axis
from maml_edu.views.scenes.base import Panel, Scene, check_step, scene
from maml_edu.views.scenes.classification import ClassificationTrace
from maml_edu.views.scenes.comparison import ComparisonTrace
from maml_edu.views.scenes.drawings import DrawingsTrace
from maml_edu.views.scenes.embedding import EmbeddingTrace
from maml_edu.views.scenes.gallery import Gallery, ImageGrid
from maml_edu.views.scenes.landscape import LandscapeTrace
from maml_edu.views.scenes.plane import PlaneTrace
from maml_edu.views.scenes.quiz import QuizQuestions
from maml_edu.views.scenes.training import TrainingTrace

__all__ = [
    "AdaptationTrace",
    "Axis",
    "ClassificationTrace",
    "ComparisonTrace",
    "DrawingsTrace",
    "EmbeddingTrace",
    "Gallery",
    "ImageGrid",
    "LandscapeTrace",
    "Panel",
    "PlaneTrace",
    "QuizQuestions",
    "Scene",
    "TrainingTrace",
    "check_step",
    "scene",
]
