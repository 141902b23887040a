"""Attempts at lesson 17's exercises, as readers might write them."""

from __future__ import annotations

import math
import random
from collections import Counter

import torch


def by_counter(alphabets, way, generator):
    sizes = Counter(alphabets)
    names = sorted(name for name, size in sizes.items() if size >= way)
    chosen = names[int(torch.randint(len(names), (), generator=generator))]
    places = torch.tensor([i for i, name in enumerate(alphabets) if name == chosen])
    order = torch.randperm(len(places), generator=generator)
    first, second = torch.randperm(20, generator=generator)[:2].tolist()
    return places[order[:way]], first, second


def mixed(alphabets, way, generator):
    first, second = torch.randperm(20, generator=generator)[:2].tolist()
    return torch.randperm(len(alphabets), generator=generator)[:way], first, second


def drawers_apart(alphabets, way, generator):
    characters, *_ = by_counter(alphabets, way, generator)
    first, second = torch.randint(20, (2,), generator=generator).tolist()
    return characters, first, second


def fixed_drawers(alphabets, way, generator):
    return by_counter(alphabets, way, generator)[0], 0, 1


def with_replacement(alphabets, way, generator):
    characters, first, second = by_counter(alphabets, way, generator)
    return characters[torch.randint(way, (way,), generator=generator)], first, second


def one_alphabet(alphabets, way, generator):
    names = ["Bb" if name == "Bb" else f"x{i}" for i, name in enumerate(alphabets)]
    return by_counter(names, way, generator)


def unseeded(alphabets, way, generator):
    fresh = torch.Generator().manual_seed(random.randrange(10**9))
    return by_counter(alphabets, way, fresh)


def shares(trained_on, tested_on, names):
    trained, tested = set(trained_on.tolist()), tested_on.tolist()
    known = {names[i].split("/")[0] for i in trained}
    seen = [i in trained for i in tested]
    of_known = [names[i].partition("/")[0] in known for i in tested]
    return sum(seen) / len(seen), sum(of_known) / len(of_known)


def by_loop(wrong, alphabet, t):
    means = [wrong[alphabet == a].mean().item() for a in sorted(set(alphabet.tolist()))]
    mean = sum(means) / len(means)
    variance = sum((m - mean) ** 2 for m in means) / (len(means) - 1)
    return mean, t * math.sqrt(variance / len(means))


def by_trials(wrong, alphabet, t):
    p = wrong.mean().item()
    return p, t * math.sqrt(p * (1 - p) / wrong.numel())


def by_runs(wrong, alphabet, t):
    means = wrong.mean(1)
    return means.mean(), t * means.std() / len(means) ** 0.5


RIGHT = {
    "check_draw_run": [by_counter],
    "check_leaks": [shares, lambda *p: [torch.tensor(s, dtype=torch.float64) for s in shares(*p)]],
    "check_interval_by_alphabet": [by_loop],
}
WRONG = {
    "check_draw_run": [
        (mixed, "several alphabets"),
        (drawers_apart, "this is the leak"),
        (fixed_drawers, "the drawers never change"),
        (with_replacement, "twice"),
        (one_alphabet, "never comes"),
        (unseeded, "the same seed"),
        (lambda a, w, g: by_counter(a, w, g)[0], "three things"),
    ],
    "check_leaks": [
        (lambda a, b, n: shares(b, a, n), "tested ones"),
        (lambda *p: shares(*p)[::-1], "wrong way round"),
        (lambda *p: (shares(*p)[0],) * 2, "before the slash"),
        (lambda *p: tuple(1 - s for s in shares(*p)), "NOT"),
    ],
    "check_interval_by_alphabet": [
        (by_trials, "all trials"),
        (by_runs, "share an alphabet"),
        (lambda w, a, t: by_loop(w, a, 1.96), "t = 1.96"),
        (lambda w, a, t: by_loop(w, a, 1.0), "t is missing"),
    ],
}
