"""From torch to NumPy: run a learner, and return a trace of what it did.

Every function here runs the real network through the learner's own `adapt`.
"""

from maml_edu.views.traces.adaptation_trace import adaptation as adaptation
from maml_edu.views.traces.adaptation_trace import comparison as comparison
from maml_edu.views.traces.by_hand_trace import by_hand as by_hand
from maml_edu.views.traces.classification_trace import classification as classification
from maml_edu.views.traces.classification_trace import quiz as quiz
from maml_edu.views.traces.drawings_trace import drawings as drawings
from maml_edu.views.traces.drawings_trace import image_of as image_of
from maml_edu.views.traces.embedding_trace import embedding as embedding
from maml_edu.views.traces.landscape_trace import landscape as landscape
from maml_edu.views.traces.landscape_trace import main_plane as main_plane
from maml_edu.views.traces.landscape_trace import plane as plane
from maml_edu.views.traces.landscape_trace import random_plane as random_plane
from maml_edu.views.traces.landscape_trace import unflat as unflat
from maml_edu.views.traces.movement_trace import movement as movement
from maml_edu.views.traces.shared import label_name as label_name
from maml_edu.views.traces.training_trace import training as training
