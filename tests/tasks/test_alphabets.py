"""Tasks within an alphabet: one alphabet, two drawers, no evaluation alphabet in training."""

from __future__ import annotations

import os
import zipfile

import pytest
import torch

from maml_edu.foundation.checks import InputError
from maml_edu.tasks import AlphabetTasks
from maml_edu.tasks.alphabets import EVALUATION, SPLITS, split_alphabets
from maml_edu.tasks.augment import Hand, reflect, warp
from maml_edu.tasks.challenge import lake_runs, lake_tasks
from maml_edu.tasks.data import DataError, Drawings, load_drawings
from maml_edu.tasks.data.load import omniglot_folder

needs_omniglot = pytest.mark.skipif(
    "MAML_EDU_DATA" not in os.environ,
    reason="needs Omniglot: name the folder of its two zips in MAML_EDU_DATA",
)
SIZES = {"A": 25, "B": 30, "C": 8, "D": 22, "E": 21, "F": 24}


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """Six alphabets, one of them small; every drawing differs from every other."""
    names = [f"{a}/character{i:02d}" for a, n in SIZES.items() for i in range(n)]
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (len(names), 20, 28, 28), generator=generator, dtype=torch.uint8)
    return Drawings(images, tuple(names), "made up", False)


@pytest.fixture(scope="module")
def omniglot() -> Drawings:
    return load_drawings(progress=False)


def sample(tasks: AlphabetTasks, n: int = 30, seed: int = 0, **options):
    return tasks.sample(n, generator=torch.Generator().manual_seed(seed), **options)


def alphabets_in(tasks: AlphabetTasks, batch) -> list[set[str]]:
    of_each = tasks.drawings.alphabets
    return [{of_each[i] for i in row} for row in batch.info["character"].tolist()]


@pytest.mark.parametrize("split", SPLITS)
def test_a_task_has_one_alphabet_and_two_drawers(drawings, split):
    tasks = AlphabetTasks(split, 5, source=drawings)
    batch = sample(tasks)
    assert all(len(found) == 1 for found in alphabets_in(tasks, batch))
    drawers = batch.info["drawing"]
    assert drawers.shape == (30, 5, 2)
    assert torch.equal(drawers, drawers[:, :1].expand_as(drawers))
    assert (drawers[..., 0] != drawers[..., 1]).all()
    assert (batch.info["character"].sort(1).values.diff(dim=1) > 0).all()


def test_it_is_made_of_the_drawings_that_it_names(drawings):
    tasks = AlphabetTasks("test", 4, source=drawings)
    batch = sample(tasks, shots=2, queries=3)
    character, drawing = batch.info["character"][..., None], batch.info["drawing"]
    x = drawings.images[character, drawing] / 255  # (tasks, way, 5, 28, 28)
    assert torch.equal(batch.support_x[:, :, 0], x[:, :, :2].flatten(1, 2))
    assert torch.equal(batch.query_x[:, :, 0], x[:, :, 2:].flatten(1, 2))
    assert batch.query_y[0].tolist() == [label for label in range(4) for _ in range(3)]


def test_an_alphabet_too_small_for_the_ways_is_left_out_while_others_do(drawings):
    tasks = AlphabetTasks("train", 20, source=drawings, warped=False)
    assert "C" in tasks.alphabets or "C" in split_alphabets(drawings.alphabets)["test"]
    some = [AlphabetTasks(split, 20, source=drawings) for split in SPLITS]
    met = set.union(*(found for tasks in some for found in alphabets_in(tasks, sample(tasks, 200))))
    assert met == set(SIZES) - {"C"}


def test_more_ways_than_any_alphabet_has_take_whole_alphabets(drawings):
    tasks = AlphabetTasks("train", 40, source=drawings, warped=False)
    batch = sample(tasks)
    of_each = drawings.alphabets
    for row in batch.info["character"].tolist():
        found = [of_each[i] for i in row]
        whole = [a for a in set(found) if found.count(a) == SIZES[a]]
        assert len(whole) >= len(set(found)) - 1


def test_each_alphabet_of_a_task_is_turned_as_a_whole(drawings):
    batch = sample(tasks := AlphabetTasks("train", 40, source=drawings, warped=False), 100)
    of_each, seen = drawings.alphabets, set()
    rows = batch.info["character"].tolist(), batch.info["symmetry"].tolist()
    for row, symmetry in zip(*rows, strict=True):
        by = {}
        for i, k in zip(row, symmetry, strict=True):
            by.setdefault(of_each[i], set()).add(k)
        assert all(len(found) == 1 for found in by.values())
        seen |= set(symmetry)
    assert seen == set(range(8))
    assert tasks.symmetries
    assert not sample(AlphabetTasks("validation", 5, source=drawings)).info["symmetry"].any()


def test_mixed_tasks_take_all_alphabets_and_drawers(drawings):
    tasks = AlphabetTasks("train", 12, mixed=True, source=drawings)
    batch = sample(tasks)
    assert max(map(len, alphabets_in(tasks, batch))) > 1
    drawers = batch.info["drawing"]
    assert not torch.equal(drawers, drawers[:, :1].expand_as(drawers))


def test_no_alphabet_is_in_two_splits(drawings):
    splits = split_alphabets(drawings.alphabets)
    assert sorted(name for names in splits.values() for name in names) == sorted(SIZES)
    assert all(splits.values())


def test_seeds_and_labels_dealt_anew(drawings):
    tasks = AlphabetTasks("test", 10, source=drawings)
    assert torch.equal(sample(tasks).query_x, sample(tasks).query_x)
    assert not torch.equal(sample(tasks).query_x, sample(tasks, seed=1).query_x)
    order = sample(tasks, 200).info["character"].diff(dim=1)
    assert 0.4 < (order > 0).float().mean() < 0.6


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "tset"}, "split is 'tset'"),
        ({"way": 1}, "way is 1"),
        ({"way": 999}, "way is 999; it must be at most"),
    ],
)
def test_bad_input_is_refused(drawings, options, said):
    with pytest.raises(InputError, match=said):
        AlphabetTasks(**{"source": drawings, **options})


def test_more_drawings_than_there_are_are_refused(drawings):
    with pytest.raises(InputError, match="shots . queries is 21; it must be at most 20"):
        AlphabetTasks("test", 5, source=drawings).sample(1, shots=1, queries=20)


def test_reflections_are_the_symmetries_of_a_square():
    image = torch.arange(9.0).view(1, 3, 3)
    all_eight = reflect(image.expand(8, -1, -1), torch.arange(8))
    assert len({tuple(one.flatten().tolist()) for one in all_eight}) == 8
    assert torch.equal(all_eight[0], image[0])
    assert torch.equal(all_eight[1], image[0].rot90())
    assert torch.equal(all_eight[4], image[0].flip(-1))


def test_warping_by_nothing_changes_nothing_and_a_shift_shifts():
    images = torch.rand(4, 28, 28, generator=torch.Generator().manual_seed(0))
    still = warp(images, hand=Hand(0, 0, 0, 0, 0))
    assert torch.allclose(still, images, atol=1e-4)
    bar = torch.zeros(50, 28, 28)
    bar[:, 14, 14] = 1
    moved = warp(bar, torch.Generator().manual_seed(0), Hand(0, 0, 0, 3, 0))
    rows = (moved.sum(2) * torch.arange(28.0)).sum(1) / moved.sum((1, 2))
    assert 2 < (rows - 14).abs().max() <= 3.01


def test_lakes_runs_are_ten_alphabets_twice():
    runs = lake_runs()
    assert len(runs) == 20
    for one, other in zip(runs[::2], runs[1::2], strict=True):
        assert one.alphabet == other.alphabet
        assert one.alphabet in EVALUATION
        assert one.characters == other.characters  # so 400 trials have 200 characters
        assert len({*one.characters}) == 20
    assert all(run.support_drawer != run.query_drawer for run in runs)
    assert len({run.alphabet for run in runs}) == 10


def test_lakes_runs_are_omniglots(drawings):
    with pytest.raises(DataError, match="not Omniglot's drawings"):
        lake_tasks(drawings)


@needs_omniglot
def test_lakes_tasks_are_made_of_evaluation_drawings(omniglot):
    batch, runs = lake_tasks(omniglot), lake_runs()
    assert batch.support_x.shape == batch.query_x.shape == (20, 20, 1, 28, 28)
    for t in (0, 7):
        for label in (0, 19):
            name = f"{runs[t].alphabet}/character{runs[t].characters[label]:02d}"
            own = omniglot.images[omniglot.names.index(name)] / 255
            assert torch.equal(batch.support_x[t, label, 0], own[runs[t].support_drawer - 1])
            assert torch.equal(batch.query_x[t, label, 0], own[runs[t].query_drawer - 1])


@needs_omniglot
def test_evaluation_alphabets_are_those_of_the_evaluation_zip(omniglot):
    with zipfile.ZipFile(omniglot_folder() / "images_evaluation.zip") as archive:
        found = {n.split("/")[1] for n in archive.namelist() if n.endswith(".png")}
    assert found == EVALUATION
    splits = split_alphabets(omniglot.alphabets)
    assert set(splits["test"]) == EVALUATION
    assert {split: len(names) for split, names in splits.items()} == {
        "train": 26, "validation": 4, "test": 20
    }  # fmt: skip
