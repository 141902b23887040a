"""Checks of lesson 11: what a pen inks, where a drawing goes, and a head for any number of ways."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from maml_edu.exercises.common import Draws, adapted
from maml_edu.exercises.difference import kind, numbers
from maml_edu.exercises.judge import Comparison, Fault
from maml_edu.exercises.solved import exercise
from maml_edu.foundation.types import Theta

__all__ = ["check_head_for", "check_ink", "check_placed"]


@exercise("18.1", "what a pen inks")
def check_ink() -> Comparison:
    """`attempt(points, a, b, width)`, points (n, 2), a and b (2,), -> (n,) bool: within half a
    width of the straight way from a to b."""

    def apart(points, a, b, low=0.0, high=1.0, least=1e-12):
        """Vectors to the points from the nearest point of the way, between fractions of it."""
        along = b - a
        share = (points - a) @ along / (along @ along).clamp_min(least)
        return points - a - share.clamp(low, high)[:, None] * along

    def right(points, a, b, width, **limits):
        return apart(points, a, b, **limits).norm(dim=1) <= width / 2

    inf = float("inf")
    mistakes = {
        "this inks the whole line; keep the share from 0 to 1": partial(right, low=-inf, high=inf),
        "the line goes on beyond b: share <= 1": partial(right, high=inf),
        "the line begins before a: share >= 0": partial(right, low=-inf),
        "this inks a whole width to either side; take half": lambda *p: right(*p[:-1], 2 * p[-1]),
        "this inks only two dots": lambda p, a, b, w: right(p, a, a, w) | right(p, b, b, w),
        "this is a square pen; use norm": lambda p, a, b, w: apart(p, a, b).abs().amax(1) <= w / 2,
        "a dot, where a equals b, is left white: 0 / 0 is nan": partial(right, least=0.0),
        "this inks all but the line: <=, not >": lambda *p: ~right(*p),
    }
    draws, problems = Draws(0), []
    for length, width in [(6.0, 3.0), (0.0, 4.0), (3.0, 5.0), (9.0, 2.0)]:
        points, a, turn = 12 * draws.uniform(300, 2), 3 + 6 * draws.uniform(2), 6 * draws.uniform()
        problems.append((points, a, a + length * torch.stack([turn.cos(), turn.sin()]), width))
    return Comparison(right, mistakes, problems, "right: round ends, and a dot is a line too")


@exercise("18.2", "put it where drawings are")
def check_placed() -> Comparison:
    """`attempt(points, least, most)`, (n, 2), (2,) and (2,), -> the points, moved as little as
    brings the middle of their box between least and most, in x and in y."""

    def middle(points):
        return (points.amin(0) + points.amax(0)) / 2

    def right(points, least, most, of=middle):
        return points + of(points).clamp(least, most) - of(points)

    mistakes = {
        "this moves all to the very middle": lambda p, low, high: p + (low + high) / 2 - middle(p),
        "this is the mean of the points, not of their box": partial(right, of=lambda p: p.mean(0)),
        "moving each point by itself squashes the drawing": lambda p, low, high: p.clamp(low, high),
        "the sign is flipped: this moves it off": lambda p, low, high: 2 * p - right(p, low, high),
        "return the points, not their middle": lambda p, low, high: middle(p).clamp(low, high),
    }
    least, most = torch.tensor([37.0, 37.5]).double(), torch.tensor([65.0, 64.0]).double()
    problems = []
    for seed, corner in enumerate([(5.0, 60.0), (40.0, 45.0), (80.0, 3.0), (30.0, 90.0)]):
        points = 12 * Draws(seed).uniform(9, 2) ** 3
        problems.append((points + torch.tensor(corner), least, most))
    return Comparison(right, mistakes, problems, "right: moved only as needed, and undistorted")


@exercise("18.3", "a head for any number of ways")
def check_head_for() -> Comparison:
    """`attempt(weight, bias, way)`, (5, features) and (5,), -> weight (way, features) and bias
    (way,) of a head that favours no class.

    Judged by what the network then says, before and after three inner steps of body and head. Any
    row w will do, if it is the same for all classes: it adds w·v to every logit, which the softmax
    ignores, and pulls on the features v by w times the sum over classes of p - y, which is 0.
    """

    def same(part, way):
        return part.mean(0).expand(way, *part.shape[1:])

    def cut(part, way):
        return part[:way]

    def head(of_weight, of_bias):
        return lambda weight, bias, way: (of_weight(weight, way), of_bias(bias, way))

    mistakes = {
        "trained rows begin unequal: give every class the same row": head(cut, cut),
        "the bias is not the same for every class": head(same, cut),
        "the weight's rows are not the same for every class": head(cut, same),
        "this is one row; repeat it for every class": lambda w, b, way: (w.mean(0), b.mean()),
        "average over the rows, not features": head(lambda w, way: w.mean(1).expand(way, -1), same),
    }
    problems = []
    for seed, way in enumerate([3, 2, 7]):
        draws = Draws(seed)
        weight = draws.normal(4) + 0.1 * draws.normal(5, 4)
        problems.append((weight, 1 + draws.normal(5), way))
    return Comparison(head(same, same), mistakes, problems, "right: it favours no class", _adapting)


def _adapting(head: Callable) -> Callable:
    """A probe: the probabilities that a small network with this head gives to queries, before and
    after three inner steps."""

    def chances(weight: Tensor, bias: Tensor, way: int) -> dict[str, Tensor]:
        draws, made = Draws(way), _head_of(head(weight, bias, way), way, weight.shape[1])
        theta = {"body": draws.normal(3, weight.shape[1]), **made}
        support = draws.normal(2 * way, 3), torch.arange(way).repeat(2)
        queries, states = draws.normal(6, 3), {}
        for name, steps in {"before the first inner step": 0, "after three inner steps": 3}.items():
            end = adapted(_classifier_loss, theta, support, 0.5, steps)
            states[f"the probabilities {name}"] = _logits(end, queries).softmax(1)
        return states

    return chances


def _head_of(made: object, way: int, features: int) -> Theta:
    parts = [numbers(part) for part in made] if isinstance(made, list | tuple) else []
    if len(parts) != 2 or any(part is None or part.is_complex() for part in parts):
        raise Fault(f"return (weight, bias), two tensors; this returns {kind(made)}")
    shapes, asked = [tuple(part.shape) for part in parts], [(way, features), (way,)]
    if shapes != asked:
        raise Fault(f"weight and bias have the shapes {shapes} where {asked} were asked for")
    return {"weight": parts[0].double(), "bias": parts[1].double()}


def _logits(theta: Theta, x: Tensor) -> Tensor:
    return torch.tanh(x @ theta["body"]) @ theta["weight"].T + theta["bias"]


def _classifier_loss(theta: Theta, x: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(_logits(theta, x), y)
