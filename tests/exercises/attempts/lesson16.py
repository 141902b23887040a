"""Attempts at lesson 16's exercises, as readers might write them."""

from __future__ import annotations

import torch


def enough_by_loop(sizes, accuracy, margin):
    mean, found = accuracy.mean(1), sizes[-1]
    for size, of in reversed(list(zip(sizes, mean, strict=True))):
        if of < mean[-1] - margin:
            break
        found = size
    return found


def enough_first(sizes, accuracy, margin):
    mean = accuracy.mean(1)
    return next(s for s, m in zip(sizes, mean, strict=True) if m >= mean[-1] - margin)


def enough_lucky(sizes, accuracy, margin):
    return enough_by_loop(sizes, accuracy.max(1, keepdim=True).values, margin)


def enough_near_both_ways(sizes, accuracy, margin):
    mean = accuracy.mean(1)
    return sizes[int(((mean - mean[-1]).abs() > margin).nonzero()[-1, 0]) + 1]


def dealt(characters, way, generator):
    return characters[torch.randperm(len(characters), generator=generator)[:way]]


def sorted_then_shuffled(characters, way, generator):
    chosen = dealt(characters, way, generator).sort().values
    return chosen[torch.randperm(way, generator=generator)]


def as_found(characters, way, generator):
    return dealt(characters, way, generator).sort().values


def falling(characters, way, generator):
    return dealt(characters, way, generator).sort(descending=True).values


def unseeded(characters, way, generator):
    return characters[torch.randperm(len(characters))[:way]]


def with_replacement(characters, way, generator):
    return characters[torch.randint(len(characters), (way,), generator=generator)]


def places(characters, way, generator):
    return torch.randperm(len(characters), generator=generator)[:way]


def always_the_same(characters, way, generator):
    return characters[:way]


def first_ones(characters, way, generator):
    return characters[torch.randperm(way, generator=generator)]


def turned(characters, way, generator):
    by = int(torch.randint(len(characters), (1,), generator=generator))
    return characters.roll(by)[:way].sort().values.roll(by % 2)


def by_counting(known, new, n_characters, way):
    right = 0
    for task in new.tolist():
        for label, character in enumerate(task):
            often = [(known[:, k] == character).sum().item() for k in range(way)]
            right += often.index(max(often)) == label
    return right / new.numel()


def on_the_same(known, new, n_characters, way):
    return by_counting(new, new, n_characters, way)


def wrong_ones(*given):
    return 1 - by_counting(*given)


def counted(known, new, n_characters, way):
    return by_counting(known, new, n_characters, way) * new.numel()


def last(known, new, n_characters, way):
    table = dict.fromkeys(range(n_characters), 0)
    for task in known.tolist():
        table |= {character: label for label, character in enumerate(task)}
    right = [table[c] == k for task in new.tolist() for k, c in enumerate(task)]
    return sum(right) / len(right)


def deal(keys, support_y, query_y):
    return keys.gather(1, support_y), keys.gather(1, query_y)


def by_argsort(support_y, query_y, way, generator):
    return deal(torch.rand(len(support_y), way, generator=generator).argsort(1), support_y, query_y)


def by_loop(support_y, query_y, way, generator):
    keys = [torch.randperm(way, generator=generator) for _ in support_y]
    pairs = [(k[s], k[q]) for k, s, q in zip(keys, support_y, query_y, strict=True)]
    return [torch.stack(part) for part in zip(*pairs, strict=True)]


def one_key_for_all(support_y, query_y, way, generator):
    key = torch.randperm(way, generator=generator)
    return key[support_y], key[query_y]


def a_key_each(support_y, query_y, way, generator):
    sets = support_y, query_y
    return [by_argsort(y, y, way, generator)[0] for y in sets]


def samples_shuffled(support_y, query_y, way, generator):
    orders = (torch.rand(y.shape, generator=generator).argsort(1) for y in (support_y, query_y))
    return [y.gather(1, order) for y, order in zip((support_y, query_y), orders, strict=True)]


def any_label(support_y, query_y, way, generator):
    return deal(torch.randint(way, (len(support_y), way), generator=generator), support_y, query_y)


def turned_round(support_y, query_y, way, generator):
    by = torch.randint(way, (len(support_y), 1), generator=generator)
    return (support_y + by) % way, (query_y + by) % way


def two_swapped(support_y, query_y, way, generator):
    keys = torch.arange(way).expand(len(support_y), way).clone()
    swap = torch.rand(len(support_y), generator=generator) < 0.5
    keys[swap, 0], keys[swap, 1] = 1, 0
    return deal(keys, support_y, query_y)


def untouched(support_y, query_y, way, generator):
    return support_y.clone(), query_y.clone()


def no_seed(support_y, query_y, way, generator):
    return by_argsort(support_y, query_y, way, None)


RIGHT = {
    "check_enough": [enough_by_loop],
    "check_mended_sampler": [dealt, sorted_then_shuffled],
    "check_guessable": [by_counting],
    "check_deal_anew": [by_argsort, by_loop],
}
WRONG = {
    "check_enough": [
        (enough_first, "falls behind again"),
        (enough_lucky, "luckiest seed"),
        (enough_near_both_ways, "the numbers differ"),
        (lambda *a: enough_by_loop(*a) + 0.5, "the numbers differ"),
    ],
    "check_mended_sampler": [
        (as_found, "follow the order"),
        (falling, "follow the order"),
        (unseeded, "generator=generator"),
        (with_replacement, "two labels"),
        (places, "not in `characters`"),
        (always_the_same, "the same task"),
        (first_ones, "more often than others"),
        (turned, "still leaks"),
        (lambda *a: dealt(*a).float(), "return `way`"),
    ],
    "check_guessable": [
        (on_the_same, "of course it fits"),
        (wrong_ones, "wrong guesses"),
        (counted, "the share was asked for"),
        (last, "most often"),
        (lambda *a: 0.2, "the numbers differ"),
    ],
    "check_deal_anew": [
        (one_key_for_all, "same way in all tasks"),
        (a_key_each, "another in the query set"),
        (samples_shuffled, "deal labels, not samples"),
        (any_label, "get the same label"),
        (turned_round, "turns the labels round"),
        (two_swapped, "too often"),
        (untouched, "same way in all tasks"),
        (no_seed, "generator=generator"),
        (lambda s, q, *_: s, "return two"),
        (lambda s, q, *_: (s, q[:, 1:]), "same shape"),
        (lambda s, q, *_: (s + 1, q + 1), "from 0 to"),
    ],
}
