"""Checks of lesson 06: the gradient for a rate, the weights of MAML++, a rate that is chosen."""

import math

import torch
from torch.func import grad

from maml_edu.exercises.common import Draws, few_shot, mse
from maml_edu.exercises.judge import Comparison
from maml_edu.exercises.solved import exercise

__all__ = ["check_chosen_rate", "check_rate_gradient", "check_step_weights"]


@exercise("06.1", "the gradient for a rate")
def check_rate_gradient() -> Comparison:
    """`attempt(loss_fn, theta, rates, support, query)` -> the gradient for the rates of the query
    loss after one step of theta - rates * grad, name -> tensor. rates: as theta, entry by entry."""

    def stepped(loss_fn, theta, rates, support):
        slope = grad(loss_fn)(theta, *support)
        return slope, {n: p - rates[n] * slope[n] for n, p in theta.items()}

    def right(loss_fn, theta, rates, support, query):
        slope, end = stepped(loss_fn, theta, rates, support)
        at_end = grad(loss_fn)(end, *query)
        return {n: -slope[n] * at_end[n] for n in theta}

    def at_theta(loss_fn, theta, rates, support, query):
        return right(loss_fn, theta, {n: 0 * r for n, r in rates.items()}, support, query)

    def summed(*problem):
        return {n: g.sum() for n, g in right(*problem).items()}

    def for_theta(loss_fn, theta, rates, support, query):
        return grad(lambda t: loss_fn(stepped(loss_fn, t, rates, support)[1], *query))(theta)

    mistakes = {
        "the sign is flipped: the step subtracts": lambda *p: {n: -g for n, g in right(*p).items()},
        "the query gradient is taken at theta; take it where the step ends": at_theta,
        "the support set is used for both": lambda f, t, r, s, q: right(f, t, r, s, s),
        "support and query are swapped": lambda f, t, r, s, q: right(f, t, r, q, s),
        "this is the gradient for the logarithm of the rates": lambda f, t, r, *sets: {
            n: r[n] * g for n, g in right(f, t, r, *sets).items()
        },
        "each weight has a rate of its own: do not sum": summed,
        "this is the gradient for theta": for_theta,
        "this is the query gradient alone": lambda f, t, r, s, q: grad(f)(
            stepped(f, t, r, s)[1], *q
        ),
    }
    draws = Draws(6)
    problems = [
        (mse, theta, {n: 0.1 * draws.uniform(*p.shape) for n, p in theta.items()}, *sets)
        for theta, *sets in few_shot(3)
    ]
    return Comparison(right, mistakes, problems, "right: it is -s * g, entry by entry")


@exercise("06.2", "the weights of MAML++")
def check_step_weights() -> Comparison:
    """`attempt(done, inner_steps)` -> weights (inner_steps,), a tensor or a list.

    done: the share of the annealing that is over, 0 to 1.
    """
    floor = 0.03

    def weights(each, inner_steps, last=None):
        """Equal weights for all steps but the last, which has the rest by default."""
        rest = 1 - (inner_steps - 1) * each if last is None else last
        return torch.tensor([each] * (inner_steps - 1) + [rest], dtype=torch.float64)

    def share(done, k):
        return max(1 - done, floor) / k

    mistakes = {
        "sum to 1: the last step takes the rest": lambda d, k: weights(share(d, k), k, last=1 / k),
        "the others sink to 0: keep 0.03 of the equal part": lambda d, k: weights((1 - d) / k, k),
        "the floor is 0.03 / inner_steps": lambda d, k: weights(max((1 - d) / k, floor), k),
        "the weight moves away from the last step": lambda d, k: weights(max(d, floor) / k, k),
        "the weight moves to the first step": lambda d, k: weights(share(d, k), k).flip(0),
        "the weights stay equal; they should move to the last step": lambda d, k: weights(1 / k, k),
        "only the last step has weight: that is MAML's loss": lambda d, k: weights(0.0, k),
    }
    problems = [(0.25, 4), (0.0, 5), (1.0, 3), (0.9, 2), (0.99, 6), (0.5, 1)]
    praise = "right: they sum to 1, begin equal, and move to the last step"
    return Comparison(lambda d, k: weights(share(d, k), k), mistakes, problems, praise)


@exercise("06.3", "choose a rate")
def check_chosen_rate() -> Comparison:
    """`attempt(rates, validation, test)` -> the rate that you would use, and the error to report.

    rates: a list of numbers. validation, test: (rates, seeds, waves), errors; nan where a training
    diverged.
    """

    def chosen(rates, by, report):
        best = int(by.nan_to_num(math.inf).argmin())
        return rates[best], float(report[best].mean())

    def right(rates, validation, test):
        return chosen(rates, validation.mean((1, 2)), test)

    def divergence_wins(rates, validation, test):
        best = int(validation.mean((1, 2)).argmin())  # torch holds nan to be the least
        return rates[best], float(test[best].mean())

    def of_those_left(rates, validation, test):
        best = int(validation.nanmean((1, 2)).argmin())
        return rates[best], float(test[best].nanmean())

    mistakes = {
        "a rate under which a training diverged is chosen: nan compares with nothing": (
            divergence_wins
        ),
        "the seed that diverged is left out; it counts against its rate": of_those_left,
        "the rate is chosen on the test waves": lambda r, v, t: chosen(r, t.mean((1, 2)), t),
        "the error is that on validation; the choice has used these waves up": lambda r, v, t: (
            chosen(r, v.mean((1, 2)), v)
        ),
        "one lucky seed decides; take the mean over seeds": lambda r, v, t: chosen(
            r, v.mean(2).nan_to_num(math.inf).amin(1), t
        ),
        "only the first seed decides; take the mean over seeds": lambda r, v, t: chosen(
            r, v.mean(2)[:, 0], t
        ),
    }
    problems = [_tuning(seed) for seed in (1, 2, 3)]
    praise = "right: chosen on validation, told on waves that had no part in it"
    return Comparison(right, mistakes, problems, praise)


def _tuning(seed: int) -> tuple[list[float], torch.Tensor, torch.Tensor]:
    """Five rates, three seeds. Validation finds the third rate best in the mean, the test waves the
    fourth, seed 0 the first, the luckiest seed the second; one seed of the last diverges."""
    noise = Draws(seed)
    levels = torch.tensor([0.9, 0.65, 0.5, 0.6, 0.45], dtype=torch.float64)
    seeds = torch.zeros(5, 3, dtype=torch.float64)
    seeds[0] += torch.tensor([-0.52, 0.26, 0.26], dtype=torch.float64)
    seeds[1] += torch.tensor([0.15, 0.15, -0.3], dtype=torch.float64)
    validation = (levels[:, None] + seeds)[..., None] + 0.05 * noise.uniform(5, 3, 20)
    test = (levels[:, None] + seeds)[..., None] + 0.05 * noise.uniform(5, 3, 30)
    test[3] -= 0.2
    validation[4, 1], test[4, 1] = math.nan, math.nan
    return [0.003, 0.01, 0.02, 0.03, 0.1], validation, test
