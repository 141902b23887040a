"""Families of tasks that can be trained on from the command line. A line here registers one."""

from maml_edu.runs.families.base import Family
from maml_edu.runs.families.omniglot import Omniglot
from maml_edu.runs.families.sine import Sine

FAMILIES: dict[str, Family] = {family.name: family for family in (Sine(), Omniglot())}

__all__ = ["FAMILIES", "Family", "Omniglot", "Sine"]
