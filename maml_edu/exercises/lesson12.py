"""Checks of lesson 12: the walk back from states alone, the gradient of several workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import jacrev, vjp

from maml_edu.exercises.judge import Verdict, judge

__all__ = ["check_walk_back", "check_workers_mean"]

Step = Callable[[Tensor], Tensor]


# The walk back -----------------------------------------------------------------------------------


def _back_with(*, order: str = "last first", at: str = "before", how: str = "vjp") -> Callable:
    """The slope at the first state, right unless a mistake is asked for."""

    def walk_back(step: Step, states: list[Tensor], slope: Tensor) -> Tensor:
        visited = states[:-1] if at == "before" else states[1:]
        if at == "first":
            visited = [states[0]] * (len(states) - 1)
        for state in reversed(visited) if order == "last first" else visited:
            if how == "turned":
                slope = jacrev(step)(state) @ slope
            elif how == "vjp":
                _, pull = vjp(step, state)
                (slope,) = pull(slope)
        return slope

    return walk_back


WALK_MISTAKES = {
    "this is the slope at the last state as it was: the first-order gradient; each step's Jacobian "
    "has to be passed": _back_with(how="none"),
    "the Jacobians are passed in the order of the steps; the way back begins at the last step": (
        _back_with(order="first first")
    ),
    "each step is run again from where it ended; it has to begin where it began, states[i] for the "
    "step to states[i + 1]": _back_with(at="after"),
    "every step is run again from the first state; each has to begin where it began": _back_with(
        at="first"
    ),
    "this is the Jacobian times the vector (jvp); on the way back the vector comes from the left "
    "(vjp)": _back_with(how="turned"),
}


@dataclass(frozen=True)
class _Step:
    """A step whose Jacobian changes with the state and is not symmetric."""

    matrix: Tensor

    def __call__(self, state: Tensor) -> Tensor:
        return state - 0.5 * torch.tanh(self.matrix @ state)


def check_walk_back(attempt: Callable[[Step, list[Tensor], Tensor], Tensor]) -> Verdict:
    """`attempt(step, states, slope)`, states[i + 1] = step(states[i]), slope that of a loss at the
    last state -> its slope at the first state, (n,)."""
    problems = []
    for seed, (n, k) in enumerate([(3, 2), (4, 3), (2, 5)]):
        generator = torch.Generator().manual_seed(seed)
        parts = torch.randn(n + 2, n, generator=generator, dtype=torch.float64)
        step, states = _Step(parts[:n]), [parts[n]]
        for _ in range(k):
            states.append(step(states[-1]))
        problems.append((step, states, parts[n + 1]))
    praise = "right: the states are all that the way back needs; the rest is found again"
    return judge(attempt, _back_with(), WALK_MISTAKES, problems, praise=praise)


# Several workers ---------------------------------------------------------------------------------


def _mean_with(*, weights: str = "shares", over: str = "tasks") -> Callable:
    """The gradient of the mean over all tasks, right unless a mistake is asked for."""

    def workers_mean(gradients: list[dict[str, Tensor]], shares: list[int]) -> dict[str, Tensor]:
        weight = {"shares": shares, "one": [1] * len(shares), "inverse": [1 / s for s in shares]}
        total = {"tasks": sum(shares), "workers": len(shares), "both": sum(shares) * len(shares),
                 "nothing": 1, "weights": sum(weight[weights])}[over]  # fmt: skip
        pairs = list(zip(weight[weights], gradients, strict=True))
        return {name: sum(w * g[name] for w, g in pairs) / total for name in gradients[0]}

    return workers_mean


MEAN_MISTAKES = {
    "this is the plain mean of the workers: tasks of a small share count more than others": (
        _mean_with(weights="one", over="workers")
    ),
    "this is the sum of the workers' gradients; each of them is a mean already, so with every "
    "worker the step would grow": _mean_with(weights="one", over="nothing"),
    "this is the sum over all tasks; the mean was asked for: divide by their number": _mean_with(
        over="nothing"
    ),
    "the weighted sum is divided by the number of workers; divide by the number of tasks": (
        _mean_with(over="workers")
    ),
    "it is divided twice, by tasks and by workers": _mean_with(over="both"),
    "the sum of the workers' means is divided by the number of tasks; weigh each by its share "
    "first": _mean_with(weights="one", over="tasks"),
    "the small shares got the large weights": _mean_with(weights="inverse", over="weights"),
}


def check_workers_mean(
    attempt: Callable[[list[dict[str, Tensor]], list[int]], dict[str, Tensor]],
) -> Verdict:
    """`attempt(gradients, shares)`: each worker's mean gradient, name -> tensor, and how many tasks
    it is the mean of -> the mean over all tasks, name -> tensor."""
    problems = []
    for seed, shares in enumerate([[3, 2], [1, 4, 4], [13, 12]]):
        generator = torch.Generator().manual_seed(seed)
        shapes = {"weight": (2, 3), "bias": (2,)}
        gradients = [
            {n: torch.randn(s, generator=generator, dtype=torch.float64) for n, s in shapes.items()}
            for _ in shares
        ]
        problems.append((gradients, shares))
    praise = "right: each task counts the same, whoever has worked on it"
    return judge(attempt, _mean_with(), MEAN_MISTAKES, problems, praise=praise)
