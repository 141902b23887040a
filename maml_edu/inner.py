"""The inner loop: a few steps of gradient descent on one task's support set."""

from collections.abc import Mapping, Sequence

from torch import Tensor
from torch.func import grad

from maml_edu.foundation.checkpointing import checkpointed
from maml_edu.foundation.checks import InputError, at_least
from maml_edu.foundation.types import LossFn, Rate, Rates, Theta, refuse_arrays


def adapt(
    loss_fn: LossFn,
    theta: Theta,
    x: Tensor,
    y: Tensor,
    *,
    inner_lr: Rates,
    inner_steps: int,
    first_order: bool = False,
    checkpointing: bool = False,
) -> list[Theta]:
    """Adapt theta to one support set: theta <- theta - inner_lr * grad loss_fn(theta, x, y).

    Finn, Abbeel & Levine (2017, arXiv 1703.03400), equation 1, `inner_steps` times over.

    loss_fn: (theta, x, y) -> a scalar, the support loss.
    x, y: the support set, (shots, …).
    inner_lr: one number; or one per parameter, name -> number or tensor, where parameters that are
        not named stay as they are; or a list with one of these for each step.
    first_order: treat each gradient as a constant, so that no derivative flows through it.
    checkpointing: keep no graph of the steps, and run each again on the way back: less memory, more
        time. loss_fn must then depend on theta through its arguments alone.

    Returns all `inner_steps + 1` states, from theta itself to the adapted parameters. Nothing is
    changed in place, so the last state is a differentiable function of the first. Raises InputError
    for arrays that are not tensors, and for a list of rates that is shorter than `inner_steps`.
    """
    at_least(0, inner_steps=inner_steps)
    refuse_arrays(x=x, y=y, inner_lr=inner_lr)

    def step(theta: Theta, rate: Rate, x: Tensor, y: Tensor) -> Theta:
        rates = rate if isinstance(rate, Mapping) else dict.fromkeys(theta, rate)
        moving = {name: p for name, p in theta.items() if name in rates}
        grads = grad(lambda part: loss_fn({**theta, **part}, x, y))(moving)
        if first_order:
            grads = {name: g.detach() for name, g in grads.items()}
        return {name: p - rates[name] * grads[name] for name, p in moving.items()}

    step = checkpointed(step) if checkpointing else step
    states = [theta]
    for rate in _rate_of_each_step(inner_lr, inner_steps):
        states.append({**states[-1], **step(states[-1], rate, x, y)})
    return states


def _rate_of_each_step(inner_lr: Rates, inner_steps: int) -> Sequence[Rate]:
    if not isinstance(inner_lr, Sequence):
        return [inner_lr] * inner_steps
    if len(inner_lr) < inner_steps:
        found = f"inner_lr has rates for {len(inner_lr)} steps"
        raise InputError(f"{found}; inner_steps is {inner_steps}")
    return inner_lr[:inner_steps]
