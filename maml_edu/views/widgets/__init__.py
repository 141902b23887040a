"""What moves: players of a trace, explorers, quizzes, and tasks to place or draw by hand.

Python sends the pictures of all steps at once as a scene (`views.scenes`); the browser scrubs them
without asking the kernel, so they also move on a slow link and in a static page.
"""

from maml_edu.views.widgets.by_hand import ByHand
from maml_edu.views.widgets.controls import Choice, Slider, Toggle
from maml_edu.views.widgets.draw import Draw
from maml_edu.views.widgets.player import Player, explore
from maml_edu.views.widgets.quiz import Quiz

__all__ = ["ByHand", "Choice", "Draw", "Player", "Quiz", "Slider", "Toggle", "explore"]
