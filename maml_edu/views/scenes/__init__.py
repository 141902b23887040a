"""Scenes: what there is to see in a trace, as plain typed data. `plots` and the player draw them.

A trace (`AdaptationTrace`, ...) is a frozen dataclass of NumPy arrays, which `views.traces` fills
from real networks. Steps run from 0 (at theta) to `inner_steps`, so per-step arrays have
`inner_steps + 1` entries. Values that are not finite mean that the adaptation diverged there.

`scene(trace)` gives a `Scene`: panels with axes and marks, and a text for every frame. To add one:
a module with a trace and its scene here, one line below, a module in `traces`.
"""

from maml_edu.views.scenes.adaptation import AdaptationTrace as AdaptationTrace
from maml_edu.views.scenes.adaptation import ComparisonTrace as ComparisonTrace
from maml_edu.views.scenes.axis import Axis as Axis
from maml_edu.views.scenes.base import Panel as Panel
from maml_edu.views.scenes.base import Scene as Scene
from maml_edu.views.scenes.base import check_step as check_step
from maml_edu.views.scenes.base import scene as scene
from maml_edu.views.scenes.budget import BudgetTrace as BudgetTrace
from maml_edu.views.scenes.by_hand import ByHandTrace as ByHandTrace
from maml_edu.views.scenes.by_hand import DenseNetwork as DenseNetwork
from maml_edu.views.scenes.classification import ClassificationTrace as ClassificationTrace
from maml_edu.views.scenes.curves import CurvesTrace as CurvesTrace
from maml_edu.views.scenes.drawings import DrawingsTrace as DrawingsTrace
from maml_edu.views.scenes.embedding import EmbeddingTrace as EmbeddingTrace
from maml_edu.views.scenes.gallery import Gallery as Gallery
from maml_edu.views.scenes.gallery import ImageGrid as ImageGrid
from maml_edu.views.scenes.gallery import QuizQuestions as QuizQuestions
from maml_edu.views.scenes.landscape import LandscapeTrace as LandscapeTrace
from maml_edu.views.scenes.movement import MovementTrace as MovementTrace
from maml_edu.views.scenes.plane import PlaneTrace as PlaneTrace
from maml_edu.views.scenes.sweep import SweepTrace as SweepTrace
from maml_edu.views.scenes.training import TrainingTrace as TrainingTrace
