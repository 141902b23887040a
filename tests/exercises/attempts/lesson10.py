"""Attempts at lesson 10's exercises, as readers might write them."""

from __future__ import annotations

import torch


def some_of(n, k, generator):
    return torch.randperm(n, generator=generator)[:k]


def episode(
    characters_of=lambda characters, way, g: characters[some_of(len(characters), way, g)],
    drawings_of=lambda n, used, shots, g: some_of(n, used, g),
    labels_of=lambda way, each: torch.arange(way).repeat_interleave(each),
    query_labels_of=None,
    seed=None,
    unseeded=False,
    flat=False,
):
    """A `draw_episode`, right unless one of its parts is replaced."""

    def draw_episode(images, characters, way, shots, queries, generator):
        if seed is not None:
            generator = torch.Generator().manual_seed(seed)
        if unseeded:
            generator = None
        chosen = characters_of(characters, way, generator)
        n, used = images.shape[1], shots + queries
        drawings = torch.stack([drawings_of(n, used, shots, generator) for _ in range(way)])
        x = images[chosen[:, None], drawings]
        support_x, query_x = x[:, :shots].flatten(0, 1), x[:, shots:].flatten(0, 1)
        if flat:
            support_x, query_x = x[:, :shots], x[:, shots:]
        query_labels = query_labels_of or labels_of
        return (support_x, labels_of(way, shots)), (query_x, query_labels(way, queries))

    return draw_episode


def asked_again(n, used, shots, g):
    drawings = some_of(n, used, g)
    drawings[-1] = drawings[0]
    return drawings


def one_query_again(n, used, shots, g):
    drawings = some_of(n, used, g)
    drawings[-1] = drawings[-2]
    return drawings


def by_class(character, rotation, n_test, generator):
    known = character.unique()
    chosen = known[torch.randperm(len(known), generator=generator)[:n_test]]
    return torch.isin(character, chosen)


def by_drawing(character, rotation, n_test, generator):
    return torch.rand(len(character), generator=generator) < 0.3


def by_rotation_too(character, rotation, n_test, generator):
    return by_class(4 * character + rotation, rotation, 4 * n_test, generator)


def has_ascending(batch):
    return bool((batch.info["character"].diff(dim=1) > 0).all())


def has_shared(batch):
    shots = batch.support_y.shape[1] // batch.info["character"].shape[1]
    support, query = batch.info["drawing"].tensor_split([shots], dim=2)
    return bool((support[..., None] == query[..., None, :]).any())


def in_both(train, test):
    return bool(torch.isin(train.info["character"], test.info["character"]).any())


def finder(labels=has_ascending, characters=in_both, drawings=has_shared, both=True):
    """A `find_leaks`, right unless one of its parts is replaced."""

    def find_leaks(train, test):
        looked_at = [train, test] if both else [test]
        found = {
            "labels": any(labels(batch) for batch in looked_at),
            "characters": characters(train, test),
            "drawings": any(drawings(batch) for batch in looked_at),
        }
        return {name for name, leaks in found.items() if leaks}

    return find_leaks


def classes_in_both(train, test):
    one, other = (4 * b.info["character"] + b.info["rotation"] for b in (train, test))
    return bool(torch.isin(one, other).any())


def any_return(train, test):
    return len(train.info["character"].unique()) < train.info["character"].numel()


def whosever(batch):
    support, query = batch.info["drawing"].tensor_split([1], dim=2)
    return bool(torch.isin(support, query).any())


def labels_in_order(batch):
    return bool((batch.support_y.diff(dim=1) >= 0).all())


def sorted_then_dealt(images, characters, way, shots, queries, generator):
    """Sorted characters under shuffled labels are as good."""
    in_order = episode(lambda c, way, g: c[some_of(len(c), way, g).sort().values])
    sets = in_order(images, characters, way, shots, queries, generator)
    dealt = torch.randperm(way, generator=generator)
    return tuple((x, dealt[y]) for x, y in sets)


def in_place(images, characters, way, shots, queries, generator):
    made = episode()(images, characters, way, shots, queries, generator)
    images.zero_()
    return made


def float_labels(*arguments):
    return tuple((x, y.float()) for x, y in episode()(*arguments))


RIGHT = {
    "check_draw_episode": [episode(), sorted_then_dealt],
    "check_split_by_class": [by_class, lambda *a: by_class(*a).numpy()],
    "check_find_leaks": [finder(), lambda *batches: sorted(finder()(*batches))],
}
WRONG = {
    "check_draw_episode": [
        (episode(flat=True), "(way * shots, height, width)"),
        (
            episode(labels_of=lambda way, each: torch.zeros(way * each, dtype=torch.long)),
            "equally often",
        ),
        (float_labels, "whole numbers"),
        (episode(lambda c, way, g: some_of(40, way, g)), "crosses the split"),
        (episode(labels_of=lambda way, each: torch.arange(way).repeat(each)), "in one order"),
        (
            episode(
                query_labels_of=lambda way, each: torch.arange(way).flip(0).repeat_interleave(each)
            ),
            "another in the query set",
        ),
        (
            episode(lambda c, way, g: c[torch.randint(4, (way,), generator=g)]),
            "characters without replacement",
        ),
        (episode(drawings_of=asked_again), "both the support and the query set"),
        (episode(drawings_of=one_query_again), "twice in one set"),
        (episode(unseeded=True), "same seed gives another task"),
        (episode(seed=3), "every call gives the same task"),
        (
            episode(lambda c, way, g: c[some_of(len(c), way, g).sort().values]),
            "follow the order of `characters`",
        ),
        (episode(drawings_of=lambda n, used, shots, g: torch.arange(used)), "always the same"),
        (in_place, "in place"),
    ],
    "check_split_by_class": [
        (lambda *a: by_class(*a).nonzero().flatten(), "True or False for each image"),
        (by_drawing, "splits by drawing"),
        (by_rotation_too, "(character, rotation)"),
        (lambda *a: ~by_class(*a), "counts characters"),
        (lambda c, r, n, g: by_class(c, r, n, None), "same seed gives another split"),
        (lambda c, r, n, g: torch.isin(c, c.unique()[:n]), "every seed gives the same split"),
    ],
    "check_find_leaks": [
        (finder(labels=labels_in_order), "reports labels in sound tasks"),
        (finder(characters=any_return), "reports characters in sound tasks"),
        (finder(drawings=whosever), "reports drawings in sound tasks"),
        (finder(labels=lambda batch: False), "misses the labels"),
        (finder(characters=lambda *_: False), "characters that are in both batches"),
        (finder(characters=classes_in_both), "upright in one batch and turned"),
        (finder(drawings=lambda batch: False), "in every task"),
        (
            finder(
                drawings=lambda b: has_shared(
                    b._replace(info={k: v[:1] for k, v in b.info.items()})
                )
            ),
            "in a single task",
        ),
        (finder(both=False), "in one batch only"),
        (lambda *batches: set(sorted(finder()(*batches))[:1]), "does not find them all"),
        (lambda *batches: "labels", "a set of words"),
    ],
}
