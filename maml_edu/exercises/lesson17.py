"""Checks of lesson 17: a task within an alphabet, the leak, an interval for runs."""

import math

import torch
from torch import Tensor

from maml_edu.exercises.common import Draws
from maml_edu.exercises.difference import kind, numbers
from maml_edu.exercises.judge import Comparison, Fault, Inspection
from maml_edu.exercises.solved import exercise

__all__ = ["check_draw_run", "check_interval_by_alphabet", "check_leaks"]

DRAWERS = 20
SIZES = {"Aa": 6, "Bb": 9, "Cc": 3, "Dd": 8}


@exercise("17.3", "a run of the challenge")
def check_draw_run() -> Inspection:
    """`attempt(alphabets, way, generator)` -> characters (way,), support_drawer, query_drawer.

    alphabets: the alphabet of each character.
    """

    def inspect(attempt, alphabets, way, seed):
        def made(generator) -> tuple[list[int], int, int]:
            return _as_run(attempt(alphabets, way, generator), len(alphabets), way)

        generator = torch.Generator().manual_seed(seed)
        runs = [made(generator) for _ in range(60)]
        if runs[0] != made(torch.Generator().manual_seed(seed)):
            return "the same seed gives another run: pass generator=generator to every draw"
        return _fault_of_runs(runs, alphabets, way)

    alphabets = [name for name, size in SIZES.items() for _ in range(size)]
    problems = [(alphabets, 5, 0), (alphabets, 8, 1), (alphabets[::-1], 3, 2)]
    return Inspection(inspect, problems, "right: one alphabet, two drawers, all drawn at random")


def _as_run(made: object, n: int, way: int) -> tuple[list[int], int, int]:
    if not isinstance(made, tuple | list) or len(made) != 3:
        raise Fault("return three things: the characters, support_drawer and query_drawer")
    characters = numbers(made[0])
    if characters is None or characters.shape != (way,) or characters.is_floating_point():
        raise Fault(f"characters must be `way` whole numbers, (way,); this is {kind(made[0])}")
    if not 0 <= characters.min() <= characters.max() < n:
        raise Fault("characters are places in `alphabets`, from 0 to len(alphabets) - 1")
    drawers = [int(one) for one in made[1:]]
    if not all(0 <= drawer < DRAWERS for drawer in drawers):
        raise Fault("drawers count from 0 to 19: one number for all characters of a set")
    return characters.tolist(), *drawers


def _fault_of_runs(runs: list[tuple[list[int], int, int]], alphabets: list[str], way: int) -> str:
    found = [{alphabets[c] for c in characters} for characters, *_ in runs]
    support, query = ([run[i] for run in runs] for i in (1, 2))
    enough = {name for name in alphabets if alphabets.count(name) >= way}
    of_each: dict[str, set[tuple[int, ...]]] = {}
    for characters, *_ in runs:
        of_each.setdefault(alphabets[characters[0]], set()).add(tuple(characters))
    faults = {
        "a run has characters of several alphabets: choose the alphabet first": (
            any(len(one) > 1 for one in found)
        ),
        "a character is in a run twice: draw without replacement": (
            any(len(set(characters)) < way for characters, *_ in runs)
        ),
        "support_drawer and query_drawer are the same person in some runs: this is the leak": (
            any(a == b for a, b in zip(support, query, strict=True))
        ),
        "the drawers never change: draw two of the twenty for each run": (
            len(set(support)) < 8 or len(set(query)) < 8
        ),
        "some alphabet with enough characters never comes: choose among all of them": (
            set.union(*found) != enough
        ),
        "an alphabet always gives the same characters in the same order": (
            all(len(seen) == 1 for seen in of_each.values())
        ),
    }
    return next((said for said, wrong in faults.items() if wrong), "")


@exercise("17.2", "find the leak")
def check_leaks() -> Comparison:
    """`attempt(trained_on, tested_on, names)`, indices of characters and the names of all ->
    the share of tested characters that were trained on, and the share whose alphabet was."""

    def right(trained_on, tested_on, names):
        alphabet = [name.split("/")[0] for name in names]
        known = {alphabet[i] for i in trained_on.tolist()}
        seen = torch.isin(tested_on, trained_on).double().mean()
        return seen.item(), sum(alphabet[i] in known for i in tested_on.tolist()) / len(tested_on)

    def both(share):
        return lambda *problem: (share(*problem),) * 2

    def of_training(trained_on, tested_on, names):
        return right(tested_on, trained_on, names)

    mistakes = {
        "these are shares of the training characters; ask it of the tested ones": of_training,
        "the first is the share of characters, the second of alphabets: they are the wrong way "
        "round": lambda *problem: right(*problem)[::-1],
        "an alphabet counts as known if any of its characters was trained on: look at the part of "
        "a name before the slash": both(lambda *problem: right(*problem)[0]),
        "the first share asks for the very character, not for its alphabet": both(
            lambda *problem: right(*problem)[1]
        ),
        "these are the shares that were NOT seen": lambda *p: tuple(1 - s for s in right(*p)),
        "these are counts; divide by the number of tested characters": (
            lambda a, b, names: tuple(s * len(b) for s in right(a, b, names))
        ),
    }
    names = [f"{name}/character{i:02d}" for name, n in SIZES.items() for i in range(1, n + 1)]
    problems = []
    for seed, (n_train, n_test) in enumerate([(5, 12), (9, 7), (4, 20)]):
        # the last alphabet, 18 to 25, is never trained on
        order = torch.randperm(18, generator=Draws(seed).generator)
        tested = torch.cat([order[n_train - 2 : n_train + n_test // 2], torch.arange(20, 24)])
        problems.append((order[:n_train], tested, names))
    return Comparison(right, mistakes, problems, "right: the characters, and their alphabets")


@exercise("17.1", "an interval for runs")
def check_interval_by_alphabet() -> Comparison:
    """`attempt(wrong, alphabet, t)`, (runs, trials) of 0 and 1, (runs,) and a number -> the error
    and half of its 95% interval: t standard errors of the mean over alphabets."""

    def by_groups(wrong, groups, t):
        means = torch.stack([wrong[groups == g].mean() for g in groups.unique()])
        return wrong.mean().item(), (t * means.std() / math.sqrt(len(means))).item()

    def by_trials(wrong, alphabet, t):
        spread = t * wrong.flatten().std() / math.sqrt(wrong.numel())
        return wrong.mean().item(), spread.item()

    def deviation(wrong, alphabet, t):
        mean, half = by_groups(wrong, alphabet, t)
        return mean, half * math.sqrt(len(alphabet.unique()))

    mistakes = {
        "this takes all trials for independent; those of one alphabet are not": (
            by_trials,
            lambda w, a, t: (w.mean().item(), (t * (w.mean() * (1 - w.mean()) / w.numel()) ** 0.5)),
        ),
        "this takes runs for independent, but two runs share an alphabet and its characters": (
            lambda wrong, a, t: by_groups(wrong, torch.arange(len(wrong)), t)
        ),
        "this is the standard deviation of alphabets; their mean varies less, by the root of their "
        "number": deviation,
        "std(unbiased=False) divides by n; the standard error wants n - 1": (
            lambda w, a, t: (lambda m, h: (m, h * math.sqrt(1 - 1 / len(a.unique()))))(
                *by_groups(w, a, t)
            )
        ),
        "t is missing": lambda w, a, t: by_groups(w, a, 1.0),
        "this is t = 1.96; ten alphabets want a longer one, which is handed in": (
            lambda w, a, t: by_groups(w, a, 1.96)
        ),
        "this is the share of right answers; the error was asked for": (
            lambda w, a, t: (1 - w.mean().item(), by_groups(w, a, t)[1])
        ),
    }
    problems = [_runs(seed, n, trials) for seed, (n, trials) in enumerate([(5, 20), (4, 12)])]
    return Comparison(by_groups, mistakes, problems, "right: as many samples as alphabets")


def _runs(seed: int, n_alphabets: int, trials: int) -> tuple[Tensor, Tensor, float]:
    """Two runs an alphabet, some of which are harder than others, in any order."""
    draws = Draws(seed)
    hard = 0.5 * draws.uniform(n_alphabets).repeat(2)
    order = torch.randperm(2 * n_alphabets, generator=draws.generator)
    wrong = (draws.uniform(2 * n_alphabets, trials) < hard[:, None]).double()
    return wrong[order], torch.arange(n_alphabets).repeat(2)[order], 2.5 + seed
