"""Checks of lesson 12: the walk back from states alone, the gradient of several workers."""

import torch
from torch import Tensor
from torch.func import jacrev, vjp

from maml_edu.exercises.common import Draws
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_walk_back", "check_workers_mean"]


@exercise("31.1", "the walk back")
def check_walk_back() -> Comparison:
    """`attempt(step, states, slope)` -> the slope of a loss at the first state, (n,).

    states: (n,) each, with states[i + 1] = step(states[i]); slope: that of the loss at the last.
    """

    def back(step, visited, slope):
        for state in visited:
            (slope,) = vjp(step, state)[1](slope)
        return slope

    def right(step, states, slope):
        return back(step, states[-2::-1], slope)

    def turned(step, states, slope):
        for state in states[-2::-1]:
            slope = jacrev(step)(state) @ slope
        return slope

    mistakes = {
        "this is the slope at the last state: the first-order gradient": lambda f, s, slope: slope,
        "this goes in the order of the steps: go back": lambda f, s, slope: back(f, s[:-1], slope),
        "each step is run again from where it ended": lambda f, s, slope: back(f, s[:0:-1], slope),
        "every step is run from state 0": lambda f, s, slope: back(f, s[:1] * (len(s) - 1), slope),
        "this is Jacobian times vector (jvp); the way back is vjp": turned,
    }
    problems = []
    for seed, (n, k) in enumerate([(3, 2), (4, 3), (2, 5)]):
        *rows, start, slope = Draws(seed).normal(n + 2, n)
        step, states = _bending_step(torch.stack(rows)), [start]
        for _ in range(k):
            states.append(step(states[-1]))
        problems.append((step, states, slope))
    return Comparison(right, mistakes, problems, "right: the states are all the way back needs")


def _bending_step(matrix: Tensor):
    """A step whose Jacobian changes with the state and is not symmetric."""
    return lambda state: state - 0.5 * torch.tanh(matrix @ state)


@exercise("31.2", "one gradient out of many")
def check_workers_mean() -> Comparison:
    """`attempt(gradients, shares)` -> the mean gradient over all tasks, name -> tensor.

    gradients: each worker's, name -> tensor; shares: the number of tasks that it is the mean of.
    """

    def weighted(gradients, weights, total=None):
        pairs, total = list(zip(weights, gradients, strict=True)), total or sum(weights)
        return {name: sum(w * g[name] for w, g in pairs) / total for name in gradients[0]}

    def equal(gradients, total):
        return weighted(gradients, [1] * len(gradients), total)

    mistakes = {
        "in a plain mean tasks of a small share count more": lambda g, s: equal(g, len(s)),
        "this is the sum of the workers; each is a mean already": lambda g, s: equal(g, 1),
        "this is the sum over all tasks; divide by their number": lambda g, s: weighted(g, s, 1),
        "divide by the number of tasks, not of workers": lambda g, s: weighted(g, s, len(s)),
        "weigh each worker by its share before the sum": lambda g, s: equal(g, sum(s)),
        "the small shares got the large weights": lambda g, s: weighted(g, [1 / n for n in s]),
    }
    problems = []
    for seed, shares in enumerate([[3, 2], [1, 4, 4], [13, 12]]):
        draws = Draws(seed)
        gradients = [{"weight": draws.normal(2, 3), "bias": draws.normal(2)} for _ in shares]
        problems.append((gradients, shares))
    return Comparison(weighted, mistakes, problems, "right: each task counts the same")
