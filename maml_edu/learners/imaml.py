"""Implicit MAML: the meta-gradient from where adapting ends, not from the way it took."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import grad, grad_and_value

from maml_edu.foundation.checks import integer, positive
from maml_edu.foundation.options import option
from maml_edu.foundation.types import LossFn, Theta
from maml_edu.learners.base import GradientLearner
from maml_edu.tasks import TaskBatch


@dataclass(frozen=True)
class IMAML(GradientLearner, name="imaml"):
    """Adapt by minimising the support loss near theta; at the minimum the meta-gradient is known:

        adapted = argmin over phi of  L_support(phi) + strength / 2 * |phi - theta|^2
        meta-gradient = (I + Hessian of L_support(adapted) / strength)^-1  grad L_query(adapted).

    Rajeswaran, Finn, Kakade & Levine (2019, arXiv 1909.04630), equations 3 and 6, algorithm 2. It
    keeps no graph of the inner steps, so memory does not grow with them. The formula holds only at
    the minimum, so the inner steps must come near it. The linear system is solved by conjugate
    gradients.

    strength: lambda in the paper, above 0. cg_steps: steps of conjugate gradients, each of which
        costs one product with the Hessian.
    """

    inner_steps: int = 16
    strength: float = option(2.0, positive, "pull towards theta: lambda in the paper")
    cg_steps: int = option(5, integer(1, 100), "steps of conjugate gradients")

    def inner_loss(self, start: Theta) -> LossFn:
        def near_start(state: Theta, x: Tensor, y: Tensor) -> Tensor:
            distance = sum((state[name] - p).square().sum() for name, p in start.items())
            return self.loss_at(state, x, y) + self.strength / 2 * distance

        return near_start

    def task_loss(self, theta: Theta, task: TaskBatch) -> Tensor:
        """The query loss after adapting, but with the implicit gradient."""
        start = {name: p.detach() for name, p in theta.items()}
        adapted = {name: p.detach() for name, p in self.adapt(start, task.support)[-1].items()}
        gradient, loss = grad_and_value(self.loss_at)(adapted, *task.query, task.support_x)

        def system(v: Theta) -> Theta:
            slope = grad(lambda state: self.loss_at(state, *task.support))
            curved = grad(lambda state: _dot(slope(state), v))(adapted)  # the Hessian times v
            return {name: v[name] + curved[name] / self.strength for name in v}

        direction = conjugate_gradients(system, gradient, self.cg_steps)
        linear = sum((theta[name] * d.detach()).sum() for name, d in direction.items())
        return loss.detach() + linear - linear.detach()


def conjugate_gradients(product: Callable[[Theta], Theta], b: Theta, steps: int) -> Theta:
    """x with product(x) = b, nearly: `product` multiplies by a symmetric positive matrix.

    Hestenes & Stiefel (1952). Exact after as many steps as b has entries. Along a direction in
    which the matrix is not positive it takes no step.
    """
    x = {name: torch.zeros_like(p) for name, p in b.items()}
    residual = direction = b
    square = _dot(residual, residual)
    for _ in range(steps):
        moved = product(direction)
        curvature = _dot(direction, moved)
        length = torch.where(curvature > 0, square / curvature, 0.0)  # else there is no minimum
        x = {name: x[name] + length * direction[name] for name in x}
        residual = {name: residual[name] - length * moved[name] for name in x}
        before, square = square, _dot(residual, residual)
        turn = torch.where(before > 0, square / before, 0.0)
        direction = {name: residual[name] + turn * direction[name] for name in x}
    return x


def _dot(a: Theta, b: Theta) -> Tensor:
    return sum((a[name] * b[name]).sum() for name in a)
