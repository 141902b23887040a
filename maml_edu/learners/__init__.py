"""Algorithms that learn to learn, one a file, all with the interface of `Learner`."""

from maml_edu.learners.anil import ANIL
from maml_edu.learners.base import Learner
from maml_edu.learners.joint import Joint
from maml_edu.learners.maml import MAML
from maml_edu.learners.protonet import ProtoNet

LEARNERS: dict[str, type[Learner]] = {
    "maml": MAML,
    "anil": ANIL,
    "joint": Joint,
    "protonet": ProtoNet,
}


def learner_class(name: str) -> type[Learner]:
    """The learner of that name, or a ValueError that lists the names."""
    if name not in LEARNERS:
        raise ValueError(f"learner is {name!r}; it must be one of {', '.join(sorted(LEARNERS))}")
    return LEARNERS[name]


__all__ = ["ANIL", "LEARNERS", "MAML", "Joint", "Learner", "ProtoNet", "learner_class"]
