"""Algorithms that learn to learn, one a file, all with the interface of `Learner`.

A line here is all that registers one; LEARNERS has them by name.
"""

from maml_edu.learners.anil import ANIL as ANIL
from maml_edu.learners.base import LEARNERS as LEARNERS
from maml_edu.learners.base import GradientLearner as GradientLearner
from maml_edu.learners.base import Learner as Learner
from maml_edu.learners.base import MetricLearner as MetricLearner
from maml_edu.learners.fomaml import FOMAML as FOMAML
from maml_edu.learners.imaml import IMAML as IMAML
from maml_edu.learners.joint import Joint as Joint
from maml_edu.learners.maml import MAML as MAML
from maml_edu.learners.mamlplusplus import MAMLPlusPlus as MAMLPlusPlus
from maml_edu.learners.matching import MatchingNet as MatchingNet
from maml_edu.learners.metasgd import MetaSGD as MetaSGD
from maml_edu.learners.pretrain import Pretrain as Pretrain
from maml_edu.learners.protomaml import ProtoMAML as ProtoMAML
from maml_edu.learners.protonet import ProtoNet as ProtoNet
from maml_edu.learners.reptile import Reptile as Reptile
