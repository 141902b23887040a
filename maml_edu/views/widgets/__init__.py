"""Widgets: `Player(trace)` scrubs a trace, `explore(compute, ...)` recomputes it on sliders,
`Quiz(questions)` asks a person, `Draw(compute, start)` lets her draw the task.

Python gives the whole picture of every step at once as a scene (`views.scenes`); the browser
then scrubs it without asking the kernel, so it also moves on a slow link and in a static page.
"""

from __future__ import annotations

from maml_edu.views.widgets.controls import Choice, Slider, Toggle
from maml_edu.views.widgets.draw import Draw
from maml_edu.views.widgets.player import Player, explore
from maml_edu.views.widgets.quiz import Quiz

__all__ = ["Choice", "Draw", "Player", "Quiz", "Slider", "Toggle", "explore"]
