"""What moves: `Player(trace)` scrubs a record, `explore(compute, ...)` recomputes it on sliders,
`Quiz(record)` asks a person, `Draw(compute, start)` lets her draw the task.

Python gives the whole picture of every step at once as a scene (`maml_edu.scenes`); the browser
then scrubs it without asking the kernel, so it also moves on a slow link and in a static page.
"""

from __future__ import annotations

from maml_edu.widgets.controls import Choice, Slider, Toggle
from maml_edu.widgets.draw import Draw
from maml_edu.widgets.player import Player, explore
from maml_edu.widgets.quiz import Quiz

__all__ = ["Choice", "Draw", "Player", "Quiz", "Slider", "Toggle", "explore"]
