"""Models: parameters as a dict of tensors, and a pure function of them."""

from maml_edu.models.functional import Model
from maml_edu.models.mlp import mlp
from maml_edu.models.omniglot import conv4, dense4
from maml_edu.models.protocol import PROTOCOLS, predict

__all__ = ["PROTOCOLS", "Model", "conv4", "dense4", "mlp", "predict"]
