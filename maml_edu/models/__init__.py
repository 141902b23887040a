"""Models: parameters as a dict of tensors, and a pure function of them."""

from maml_edu.models.functional import Model, head_names, linear_head
from maml_edu.models.networks import conv4, dense4, mlp
from maml_edu.models.protocol import PROTOCOLS, predict

__all__ = [
    "PROTOCOLS", "Model", "conv4", "dense4", "head_names", "linear_head", "mlp", "predict",
]  # fmt: skip
