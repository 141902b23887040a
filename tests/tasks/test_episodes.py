"""Episodes: different classes, different examples, and labels that mean nothing outside."""

from __future__ import annotations

import pytest
import torch

from maml_edu.tasks.episodes import draw_episodes

SIZES = {"n_classes": 12, "n_examples": 20, "way": 5, "shots": 2, "queries": 3}


def draw(n_tasks: int = 2000, seed: int = 0, **options):
    options = SIZES | options
    return draw_episodes(n_tasks, generator=torch.Generator().manual_seed(seed), **options)


def all_different(numbers: torch.Tensor) -> bool:
    ordered = numbers.sort(-1).values
    return bool((ordered[..., 1:] != ordered[..., :-1]).all())


def test_classes_and_examples_differ_within_a_task():
    plan = draw()
    assert plan.classes.shape == (2000, 5)
    assert plan.examples.shape == (2000, 5, 5)
    assert all_different(plan.classes)
    assert all_different(plan.examples)
    assert plan.classes.unique().tolist() == list(range(12))
    assert plan.examples.unique().tolist() == list(range(20))


def test_labels_are_dealt_anew():
    """Each class has each label equally often: 2000 * 5 / 12 / 5 = 167 times, give or take 13."""
    plan = draw()
    for label in range(5):
        often = plan.classes[:, label].bincount(minlength=12)
        assert ((often - 2000 / 12).abs() < 5 * 13).all()


@pytest.mark.parametrize("n_classes", [5, 12, 13])
def test_fixed_labels_stay_with_their_classes(n_classes):
    """Of 12 classes, 0 and 1 share their label with two others each, 2, 3 and 4 with one."""
    plan = draw(n_classes=n_classes, fixed_labels=True)
    assert torch.equal(plan.classes % 5, torch.arange(5).expand(2000, 5))
    for label in range(5):
        known = range(label, n_classes, 5)
        often = plan.classes[:, label].bincount(minlength=n_classes)[list(known)]
        assert often.sum() == 2000  # no other class
        assert ((often - 2000 / len(known)).abs() < 5 * 23).all()
    assert all_different(plan.examples)


def test_a_batch_keeps_samples_and_labels_together():
    plan = draw(50)
    x = plan.classes[:, :, None] * 100 + plan.examples  # a sample that says what it is
    batch = plan.batch(x, {})
    assert batch.support_x.shape == batch.support_y.shape == (50, 10)
    assert batch.query_x.shape == batch.query_y.shape == (50, 15)
    assert batch.support_y.dtype == torch.int64
    for x, y in (batch.support, batch.query):
        assert torch.equal(plan.classes.gather(1, y), x // 100)
    shared = batch.support_x[:, :, None] == batch.query_x[:, None]
    assert not shared.any()
    assert batch.query_y[0].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3


def test_seeds():
    assert torch.equal(draw(9).examples, draw(9).examples)
    assert not torch.equal(draw(9).examples, draw(9, seed=1).examples)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"way": 13}, "way is 13; it must be at most 12"),
        ({"way": 1}, "way is 1; it must be an integer, 2 or more"),
        (
            {"shots": 18},
            r"shots \+ queries is 21; it must be at most 20",
        ),
        ({"shots": 0}, "shots is 0"),
        ({"queries": -1}, "queries is -1"),
        ({"queries": 1.5}, "queries is 1.5"),
        ({"n_tasks": 0}, "n_tasks is 0"),
    ],
)
def test_what_cannot_be_is_named(bad, message):
    with pytest.raises(ValueError, match=message):
        draw(**{"n_tasks": 3} | bad)
