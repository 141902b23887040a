"""What moves: players of a trace, explorers, quizzes, and a pad to draw a task on.

`Player(trace)` scrubs a trace, `explore(compute, ...)` recomputes it on sliders, `Quiz` asks the
reader, and on `Draw(compute, start)` the reader draws the task.

Python gives the whole picture of every step at once as a scene (`views.scenes`); the browser
then scrubs it without asking the kernel, so it also moves on a slow link and in a static page.
"""

from maml_edu.views.widgets.controls import Choice, Slider, Toggle
from maml_edu.views.widgets.draw import Draw
from maml_edu.views.widgets.player import Player, explore
from maml_edu.views.widgets.quiz import Quiz

__all__ = ["Choice", "Draw", "Player", "Quiz", "Slider", "Toggle", "explore"]
