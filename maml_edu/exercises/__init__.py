"""Checks of a reader's own code, by its behaviour. Each returns a `Verdict` and never raises.

A lesson's checks are a module here, with an `__all__`, and one line below.
"""
# ruff: noqa: F403

from maml_edu.exercises.judge import Verdict as Verdict
from maml_edu.exercises.lesson00 import *
from maml_edu.exercises.lesson01 import *
from maml_edu.exercises.lesson02 import *
from maml_edu.exercises.lesson03 import *
from maml_edu.exercises.lesson04 import *
from maml_edu.exercises.lesson05 import *
from maml_edu.exercises.lesson07 import *
from maml_edu.exercises.lesson10 import *
from maml_edu.exercises.lesson11 import *
from maml_edu.exercises.lesson13 import *
from maml_edu.exercises.lesson14 import *
from maml_edu.exercises.lesson18 import *
from maml_edu.exercises.lesson30 import *
from maml_edu.exercises.lesson31 import *
from maml_edu.exercises.solved import add_magic
from maml_edu.exercises.solved import progress as progress

add_magic()
