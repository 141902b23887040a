"""Checks of lesson 00: reading a loss curve, and a baseline that learns nothing."""

from maml_edu.exercises.common import Draws
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_first_below_half", "check_know_nothing"]


@exercise("00.1", "how many steps to halve the error?")
def check_first_below_half() -> Comparison:
    """`first_below_half(losses)` -> the first step whose loss is below half of that at step 0, or
    `len(losses)` where there is none. losses: a list of numbers."""

    def below(losses, bound):
        return next((step for step, loss in enumerate(losses) if loss < bound), len(losses))

    def right(losses):
        return below(losses, losses[0] / 2)

    mistakes = {
        "no loss below half? return len(losses)": lambda v: [*range(len(v)), None][right(v)],
        "off by one: state 0 is before any step, so step k is at losses[k]": lambda v: right(v) + 1,
        "off by one: losses[0] is the loss before any step": lambda v: right(v) - 1,
        "this returns the loss; return the number of the step": lambda v: (v + [-1.0])[right(v)],
        "half of the largest loss is not half of the first": lambda v: below(v, max(v) / 2),
        "this step lowers the loss at all; it must be below half": lambda v: below(v, v[0]),
    }
    curves = (4.0, 1.0, 0.5, 0.4), (4.0, 3.0, 1.5, 2.5, 1.0), (2.0, 8.0, 3.0, 1.2, 0.9, 0.3)
    problems = [(list(losses),) for losses in (*curves, (1.0, 0.9, 0.8))]
    return Comparison(right, mistakes, problems, "right: also where the loss rises first")


@exercise("00.2", "the error of knowing nothing")
def check_know_nothing() -> Comparison:
    """`know_nothing(support_y, query_y)` -> the query MSE of the support set's best constant.

    support_y: (shots, 1); query_y: (queries, 1).
    """

    def error(constant, y):
        return ((y - constant) ** 2).mean()

    mistakes = {
        "the query set's own mean has seen the answers": lambda s, q: error(q.mean(), q),
        "this is the error on the support set; take the query set": lambda s, q: error(s.mean(), s),
        "the median minimises the absolute error; take the mean": lambda s, q: error(s.median(), q),
        "this always guesses 0, and makes no use of the support set": lambda s, q: error(0.0, q),
        "the error is summed over the points": lambda s, q: error(s.mean(), q) * len(q),
        "this is the root of the mean squared error": lambda s, q: error(s.mean(), q).sqrt(),
        "this is the absolute error; square it": lambda s, q: (q - s.mean()).abs().mean(),
        "one constant answers all: take support_y's mean first": lambda s, q: error(s.T, q),
    }
    draws = Draws(0)
    sizes = [(5, 30), (7, 12), (1, 4)]
    problems = [tuple(1 + 2 * draws.normal(n, 1) for n in both) for both in sizes]
    praise = "right: whatever has learnt something must do better than this"
    return Comparison(lambda s, q: error(s.mean(), q), mistakes, problems, praise)
