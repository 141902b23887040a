"""The checks of lesson 07 tell right from wrong, and name the mistake."""

from __future__ import annotations

import pytest
import torch

from maml_edu import exercises
from maml_edu.exercises import lesson07


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


WRONG_EPISODES = {
    lesson07.SHAPES: episode(flat=True),
    lesson07.LABELS: episode(labels_of=lambda way, each: torch.zeros(way * each, dtype=torch.long)),
    lesson07.FOREIGN: episode(lambda c, way, g: some_of(40, way, g)),
    lesson07.MIXED: episode(labels_of=lambda way, each: torch.arange(way).repeat(each)),
    lesson07.KEYS: episode(
        query_labels_of=lambda way, each: torch.arange(way).flip(0).repeat_interleave(each)
    ),
    lesson07.TWICE: episode(lambda c, way, g: c[torch.randint(4, (way,), generator=g)]),
    lesson07.SHARED: episode(drawings_of=asked_again),
    lesson07.REPEATED: episode(drawings_of=one_query_again),
    lesson07.GLOBAL: episode(unseeded=True),
    lesson07.FROZEN: episode(seed=3),
    lesson07.UNSHUFFLED: episode(lambda c, way, g: c[some_of(len(c), way, g).sort().values]),
    lesson07.FIRST: episode(drawings_of=lambda n, used, shots, g: torch.arange(used)),
}


def by_class(character, rotation, n_test, generator):
    known = character.unique()
    chosen = known[torch.randperm(len(known), generator=generator)[:n_test]]
    return torch.isin(character, chosen)


def by_drawing(character, rotation, n_test, generator):
    return torch.rand(len(character), generator=generator) < 0.3


def by_rotation_too(character, rotation, n_test, generator):
    return by_class(4 * character + rotation, rotation, 4 * n_test, generator)


WRONG_SPLITS = {
    lesson07.MASK: lambda *a: by_class(*a).nonzero().flatten(),
    lesson07.BY_DRAWING: by_drawing,
    lesson07.BY_CLASS: by_rotation_too,
    lesson07.COUNT: lambda *a: ~by_class(*a),
    lesson07.GLOBAL_SPLIT: lambda c, r, n, g: by_class(c, r, n, None),
    lesson07.NOT_RANDOM: lambda c, r, n, g: torch.isin(c, c.unique()[:n]),
}


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


WRONG_FINDERS = {
    lesson07.ALARM_LABELS: finder(labels=labels_in_order),
    lesson07.ALARM_CHARACTERS: finder(characters=any_return),
    lesson07.ALARM_DRAWINGS: finder(drawings=whosever),
    lesson07.MISSED_LABELS: finder(labels=lambda batch: False),
    lesson07.MISSED_CHARACTERS: finder(characters=lambda *_: False),
    lesson07.MISSED_TURNED: finder(characters=classes_in_both),
    lesson07.MISSED_DRAWINGS: finder(drawings=lambda batch: False),
    lesson07.MISSED_ONE: finder(
        drawings=lambda b: has_shared(b._replace(info={k: v[:1] for k, v in b.info.items()}))
    ),
    lesson07.MISSED_TRAIN: finder(both=False),
    lesson07.MISSED_ALL: lambda *batches: set(sorted(finder()(*batches))[:1]),
}
CASES = {
    "check_draw_episode": (episode(), WRONG_EPISODES),
    "check_split_by_class": (by_class, WRONG_SPLITS),
    "check_find_leaks": (finder(), WRONG_FINDERS),
}
WRONG = [
    pytest.param(check, message, wrong, id=f"{check}-{i}")
    for check, (_, mistakes) in CASES.items()
    for i, (message, wrong) in enumerate(mistakes.items())
]


@pytest.mark.parametrize("check", CASES)
def test_the_right_answer_passes(check):
    verdict = getattr(exercises, check)(CASES[check][0])
    assert verdict, verdict


def test_labels_may_be_dealt_instead_of_characters():
    """Sorted characters under shuffled labels are as good."""

    def draw_episode(images, characters, way, shots, queries, generator):
        in_order = episode(lambda c, way, g: c[some_of(len(c), way, g).sort().values])
        sets = in_order(images, characters, way, shots, queries, generator)
        deal = torch.randperm(way, generator=generator)
        order = torch.randperm(way * shots, generator=generator)  # nor need they stand in order
        (support_x, support_y), (query_x, query_y) = sets
        return (support_x[order], deal[support_y][order]), (query_x, deal[query_y])

    assert exercises.check_draw_episode(draw_episode)


@pytest.mark.parametrize(("check", "message", "wrong"), WRONG)
def test_a_usual_mistake_is_named(check, message, wrong):
    verdict = getattr(exercises, check)(wrong)
    assert (verdict.state, verdict.message) == ("wrong", message)


@pytest.mark.parametrize("check", CASES)
def test_an_empty_one_is_open_and_an_error_is_told(check):
    assert getattr(exercises, check)(lambda *_: ...).state == "open"
    assert getattr(exercises, check)(lambda *_: None).state == "open"
    verdict = getattr(exercises, check)(lambda *_: 1 / 0)
    assert (verdict.state, verdict.message) == (
        "wrong", "it raised ZeroDivisionError: division by zero"
    )  # fmt: skip


@pytest.mark.parametrize("answer", [7, "labels", torch.zeros(3), [[], []], {"letters"}])
@pytest.mark.parametrize("check", CASES)
def test_strange_answers_are_wrong_and_nothing_is_raised(check, answer):
    assert getattr(exercises, check)(lambda *_: answer).state == "wrong"


def test_changing_the_arguments_is_told():
    def in_place(images, characters, way, shots, queries, generator):
        made = episode()(images, characters, way, shots, queries, generator)
        images.zero_()
        return made

    assert "changed its arguments" in exercises.check_draw_episode(in_place).message
