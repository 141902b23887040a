"""Omniglot tasks: the split holds, turns are real, and tasks are made of the drawings they name."""

from __future__ import annotations

import hashlib
import os

import pytest
import torch

from maml_edu.learners import MAML
from maml_edu.models import conv4
from maml_edu.outer import meta_loss
from maml_edu.tasks import OmniglotTasks
from maml_edu.tasks.data import Drawings, load_drawings
from maml_edu.tasks.omniglot import SPLITS, split_characters, turn

needs_omniglot = pytest.mark.skipif(
    "MAML_EDU_DATA" not in os.environ,
    reason="needs Omniglot: name the folder of its two zips in MAML_EDU_DATA",
)


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """60 characters; every drawing differs from every other, whichever way up."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (60, 20, 28, 28), generator=generator, dtype=torch.uint8)
    return Drawings(images, tuple(f"A/character{i:02d}" for i in range(60)), "made up", False)


@pytest.fixture(scope="module")
def omniglot() -> Drawings:
    return load_drawings(progress=False)


def sample(tasks, n=20, seed=0, **options):
    options = {"shots": 2, "queries": 3} | options
    return tasks.sample(n, generator=torch.Generator().manual_seed(seed), **options)


def characters_in(tasks: OmniglotTasks, n: int) -> set[int]:
    return set(sample(tasks, n, shots=1, queries=1).info["character"].flatten().tolist())


@pytest.mark.parametrize("split", SPLITS)
def test_tasks_are_made_of_the_drawings_that_they_name(drawings, split):
    tasks = OmniglotTasks(split, way=3, source=drawings)
    batch = sample(tasks)
    assert batch.support_x.shape == (20, 6, 1, 28, 28)
    assert batch.query_x.shape == (20, 9, 1, 28, 28)
    assert batch.support_x.dtype == torch.float32
    assert batch.support_y.dtype == torch.int64
    for t in range(20):
        task = batch.task(t)
        for x, y, first in ((*task.support, 0), (*task.query, 2)):
            for i, label in enumerate(y.tolist()):
                nth = first + i - y.tolist().index(label)
                character, drawing = task.info["character"][label], task.info["drawing"][label, nth]
                picture = drawings.images[character, drawing] / 255
                turned = picture.rot90(task.info["rotation"][label].item())
                assert torch.equal(x[i, 0], turned)


def test_support_and_query_share_no_drawing(drawings):
    batch = sample(OmniglotTasks(source=drawings), 50, shots=5, queries=15)
    support, query = batch.support_x.flatten(2), batch.query_x.flatten(2)
    assert torch.cdist(support, query).min() > 0.1


def test_turning_is_counter_clockwise_by_its_own_number_of_quarters():
    images = torch.arange(4).expand(4, 4).reshape(4, 2, 2).clone()  # rows 0 1 and 2 3
    turned = turn(images, torch.tensor([0, 1, 2, 3]))
    assert turned.flatten(1).tolist() == [[0, 1, 2, 3], [1, 3, 0, 2], [3, 2, 1, 0], [2, 0, 3, 1]]


def test_meta_training_turns_characters_and_testing_does_not(drawings):
    rotations = {
        split: sample(OmniglotTasks(split, way=3, source=drawings), 200).info["rotation"].unique()
        for split in SPLITS
    }
    assert rotations["train"].tolist() == [0, 1, 2, 3]
    assert rotations["validation"].tolist() == rotations["test"].tolist() == [0]
    turned_too = sample(OmniglotTasks("test", way=3, rotations=True, source=drawings), 200)
    assert turned_too.info["rotation"].unique().tolist() == [0, 1, 2, 3]
    upright = OmniglotTasks("train", way=3, rotations=False, source=drawings)
    assert not sample(upright, 200).info["rotation"].any()
    assert OmniglotTasks("train", source=drawings).n_classes == 4 * upright.n_classes == 4 * 41


def test_no_character_crosses_the_split_and_none_is_in_a_task_twice(drawings):
    seen = {}
    for split in SPLITS:
        tasks = OmniglotTasks(split, way=3, rotations=True, source=drawings)
        seen[split] = characters_in(tasks, 3000)
        classes = sample(tasks, 500).info["character"].sort(1).values
        assert (classes[:, 1:] != classes[:, :-1]).all()
    assert {split: len(found) for split, found in seen.items()} == {
        "train": 41, "validation": 3, "test": 16
    }  # fmt: skip
    assert len(set.union(*seen.values())) == 60


def test_fewer_characters_are_among_more(drawings):
    def kept(n, subset=0):
        tasks = OmniglotTasks("train", 3, source=drawings, n_characters=n, subset=subset)
        assert len(tasks.characters) == n
        assert characters_in(tasks, 1000) == set(tasks.characters.tolist())
        return characters_in(tasks, 1000)

    everyone = set(OmniglotTasks("train", source=drawings).characters.tolist())
    assert kept(5) < kept(9) < kept(41) == everyone
    assert kept(9) == kept(9)
    assert kept(9) != kept(9, subset=1)


def test_a_fixed_label_goes_with_a_character_in_every_rotation(drawings):
    def labels_of(**options):
        tasks = OmniglotTasks("train", 3, source=drawings, n_characters=10, **options)
        of = sample(tasks, 500).info["character"]
        pairs = torch.stack([of, torch.arange(3).expand_as(of)], -1).flatten(0, 1)
        return tasks, set(map(tuple, pairs.tolist()))

    tasks, fixed = labels_of(fixed_labels=True)
    assert fixed == {(c, i % 3) for i, c in enumerate(tasks.characters.tolist())}
    assert len(labels_of()[1]) == 10 * 3
    assert sample(tasks).info["rotation"].unique().tolist() == [0, 1, 2, 3]


def test_known_tasks_with_new_drawings(drawings):
    tasks = OmniglotTasks("train", way=3, source=drawings)
    first = sample(tasks, 5)
    told = {name: first.info[name] for name in tasks.described_by}
    again = sample(tasks, 5, seed=1, **told)
    assert all(torch.equal(again.info[name], told[name]) for name in told)
    assert not torch.equal(again.info["drawing"], first.info["drawing"])


def test_the_split_depends_on_names_alone(drawings):
    names = drawings.names
    there, back = split_characters(names), split_characters(names[::-1])
    for split in SPLITS:
        same = {names[i] for i in there[split]} == {names[::-1][i] for i in back[split]}
        assert same


def test_seeds(drawings):
    tasks = OmniglotTasks(source=drawings)
    assert torch.equal(sample(tasks).query_x, sample(tasks).query_x)
    assert not torch.equal(sample(tasks).query_x, sample(tasks, seed=1).query_x)


def test_sampling_leaves_the_drawings_alone(drawings):
    before = drawings.images.clone()
    sample(OmniglotTasks(source=drawings), 300)
    assert torch.equal(drawings.images, before)


def test_a_batch_goes_through_the_outer_loop(drawings):
    learner = MAML(conv4(5, channels=4), loss=torch.nn.functional.cross_entropy, inner_lr=0.4)
    theta = learner.model.init(generator=torch.Generator().manual_seed(0))
    batch = sample(OmniglotTasks(source=drawings), 3, shots=1, queries=2)
    one_by_one = [learner.task_loss(theta, batch.task(i)) for i in range(3)]
    torch.testing.assert_close(meta_loss(learner, theta, batch), torch.stack(one_by_one).mean())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "dev"}, "split is 'dev'; it must be one of train, validation, test"),
        ({"split": "validation", "way": 4}, "way is 4; it must be at most 3"),
        ({"way": 1}, "way is 1; it must be an integer, 2 or more"),
        ({"way": "5"}, "way is '5'; it must be an integer"),
        ({"n_characters": 4}, "n_characters is 4; it must be an integer from 5 to 41"),
        ({"n_characters": 42}, "n_characters is 42; it must be an integer from 5 to 41"),
        ({"subset": -1}, "subset is -1; it must be an integer, 0 or more"),
        ({"fixed_labels": 1}, "fixed_labels is 1; it must be True or False"),
        ({"rotations": 4}, "rotations is 4; it must be True, False or None"),
        ({"source": "/no/such"}, "/no/such does not exist; a source is a folder or auto, release"),
    ],
)
def test_what_cannot_be_is_named(drawings, options, message):
    with pytest.raises(ValueError, match=message):
        OmniglotTasks(**{"source": drawings} | options)


def test_more_drawings_than_there_are(drawings):
    with pytest.raises(ValueError, match=r"shots \+ queries is 21; it must be at most 20"):
        sample(OmniglotTasks(source=drawings), shots=6, queries=15)


@needs_omniglot
def test_omniglots_split_is_the_recorded_one(omniglot):
    recorded = {
        "train": (1100, "97db6f3696d4d3c8"),
        "validation": (100, "789b02638754ab31"),
        "test": (423, "691e9ac189ff5eaa"),
    }
    assert omniglot.images.shape == (1623, 20, 28, 28)
    assert len(set(omniglot.alphabets)) == 50
    for split, characters in split_characters(omniglot.names).items():
        names = "\n".join(omniglot.names[i] for i in characters)
        digest = hashlib.sha256(names.encode()).hexdigest()[:16]
        assert (len(characters), digest) == recorded[split]


@pytest.mark.slow
@needs_omniglot
def test_10_000_tasks_of_omniglot_keep_to_their_split(omniglot):
    seen = {
        split: characters_in(OmniglotTasks(split, 5, rotations=True, source=omniglot), 10_000)
        for split in SPLITS
    }
    assert {split: len(found) for split, found in seen.items()} == SPLITS
    assert len(set.union(*seen.values())) == 1623
