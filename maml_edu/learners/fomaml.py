"""First-order MAML: the gradient after adapting, as if the inner steps were constants."""

from dataclasses import dataclass, field

from maml_edu.learners.maml import MAML


@dataclass(frozen=True)
class FOMAML(MAML, name="fomaml"):
    """MAML whose meta-gradient leaves out the Jacobian of the inner loop: theta moves along

        mean over tasks of  grad L_query( adapted ),    adapted = the last inner step's parameters.

    Finn, Abbeel & Levine (2017, arXiv 1703.03400), section 5.2, "first-order approximation". It is
    exact where the loss is linear in theta, or inner_lr is 0.
    """

    first_order: bool = field(default=True, init=False)
