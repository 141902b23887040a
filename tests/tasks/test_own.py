"""Tasks from a reader's own data: what they hold, and what is said where they cannot be made."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.evaluate import Evaluation, accuracy, evaluate
from maml_edu.learners import LEARNERS, MAML
from maml_edu.models import mlp
from maml_edu.outer import Training, meta_train
from maml_edu.tasks import Classes, Curves


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbered(sizes=(4, 7, 5, 9, 4, 6, 8, 5, 4, 6)) -> Classes:
    """Class i holds samples (i, 0), (i, 1), …: a sample tells its class."""
    x = [[i, j] for i, size in enumerate(sizes) for j in range(size)]
    labels = [f"class {i}" for i, size in enumerate(sizes) for _ in range(size)]
    return Classes(np.array(x, float), labels)


def test_tasks_hold_different_samples_of_their_classes_dealt_anew():
    data = numbered()
    tasks = data.tasks("train", way=3)
    batch = tasks.sample(50, shots=1, queries=3, generator=seeded())
    assert batch.support_x.shape == (50, 3, 2)
    assert batch.query_x.shape == (50, 9, 2)
    assert batch.support_x.dtype == torch.float32
    assert batch.query_y.tolist() == [[0, 0, 0, 1, 1, 1, 2, 2, 2]] * 50
    number = {name: int(name[-1]) for name in tasks.names}
    for i in range(50):
        task = batch.task(i)
        classes = torch.tensor([number[tasks.names[c]] for c in task.info["class"]])
        assert torch.equal(task.support_x[:, 0].long(), classes[task.support_y])
        assert torch.equal(task.query_x[:, 0].long(), classes[task.query_y])
        assert len(classes.unique()) == 3
        seen = torch.cat([task.support_x, task.query_x])
        assert len(seen.unique(dim=0)) == 12  # no sample twice
    assert len({tuple(row) for row in batch.info["class"].tolist()}) > 20


def test_every_sample_and_class_is_drawn_and_the_seed_decides():
    tasks = numbered().tasks("train", way=2)
    a, b, c = (tasks.sample(200, shots=1, queries=2, generator=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(a.query_x, b.query_x)
    assert not torch.equal(a.query_x, c.query_x)
    rows = {row for name in tasks.names for row in tasks.data.groups.rows[name].tolist()}
    assert set(a.info["row"].flatten().tolist()) == rows


def test_each_class_is_in_one_split_and_the_split_does_not_depend_on_the_order():
    data = numbered()
    parts = [set(data.tasks(split, 2).names) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert set.union(*parts) == set(data.groups.rows)
    order = torch.randperm(len(data.x), generator=seeded())
    labels = np.array([n for n, rows in data.groups.rows.items() for _ in rows])
    again = Classes(data.x[order], labels[order.numpy()])
    assert again.groups.split == data.groups.split


def test_her_own_split_is_taken_and_may_not_leak():
    sizes = (4,) * 6
    x, labels = np.arange(24.0)[:, None], np.repeat(np.arange(6), 4)
    data = Classes(x, labels, split={"train": [0, 1, 2], "test": [3, 4]})
    assert data.tasks("train", 3).names == ("0", "1", "2")
    assert data.tasks("test", 2).names == ("3", "4")
    assert len(sizes) == len(data.groups.rows)
    wrong = {
        r"class '1' is in the splits 'train' and 'test'": {"train": [0, 1], "test": [1, 2]},
        r"split 'test' names '9'; a class is one of 0, 1": {"train": [0, 1], "test": [9]},
        r"split 'test' is empty": {"train": [0, 1], "test": []},
    }
    for says, split in wrong.items():
        with pytest.raises(ValueError, match=says):
            Classes(x, labels, split=split)
    with pytest.raises(ValueError, match="split is 'validation'; it must be one of train, test"):
        data.tasks("validation", 2)


def test_short_classes_and_large_ways_are_named():
    data = numbered()
    with pytest.raises(
        ValueError, match=r"way is 5; the validation split has 2 of your 10 classes"
    ):
        data.tasks("validation", way=5)
    with pytest.raises(
        ValueError, match=r"shots \+ queries is 6; class 'class \d' has [45] samples"
    ):
        data.tasks("train", 2).sample(1, shots=1, queries=5)
    few = Classes(data.x, [n for n, r in data.groups.rows.items() for _ in r], fewest=6)
    assert "class 0" in few.left_out
    few.tasks("train", 2).sample(1, shots=1, queries=5)
    with pytest.raises(ValueError, match="no class has 99 samples or more; there are 10"):
        Classes(data.x, [n for n, r in data.groups.rows.items() for _ in r], fewest=99)


@pytest.mark.parametrize(
    ("x", "labels", "says"),
    [
        (np.ones((3, 2)), [0, 1], r"labels has the shape \(2,\); it must be \(3,\)"),
        (np.ones((3, 2)), [0.5, 1, 2], "labels holds fractions"),
        (np.ones((3, 2)), ["a", "", "b"], "labels is missing in row 2"),
        (np.ones((3, 2)), ["a", None, "b"], "labels is missing in row 2"),
        (np.array([[1.0], [np.nan]]), [0, 1], "x has a value in row 1 that is not a finite number"),
        (np.array(["a", "b"]), [0, 1], "x is an array of <U1; it must hold numbers"),
        (np.ones(()), [0], r"x has the shape \(\)"),
    ],
)
def test_what_is_wrong_with_arrays_is_named(x, labels, says):
    with pytest.raises(ValueError, match=says):
        Classes(x, labels)


def test_types_pictures_become_fractions_and_indices_stay_whole():
    labels = [0, 0, 1, 1]
    pictures = Classes(np.full((4, 1, 2, 2), 255, np.uint8), labels, split={"train": [0, 1]})
    batch = pictures.tasks("train", 2).sample(1, shots=1, queries=1)
    assert batch.query_x.dtype == torch.float32
    assert batch.query_x.unique().tolist() == [1.0]
    words = Classes(np.arange(8, dtype=np.int32).reshape(4, 2), labels, split={"train": [0, 1]})
    assert words.tasks("train", 2).sample(1, shots=1, queries=1).query_x.dtype == torch.int64
    doubles = Classes(torch.rand(4, 2).double(), labels, split={"train": [0, 1]})
    assert doubles.samples()[0].dtype == torch.float32
    x, y = doubles.samples(["1", "0"])
    assert torch.equal(x[:2], doubles.x[2:])
    assert y.tolist() == [0, 0, 1, 1]
    with pytest.raises(ValueError, match="there is no class '7'"):
        doubles.samples(["7"])


# --- regressions


def springs(n=12, rows=15) -> Curves:
    t = torch.rand(n, rows, generator=seeded())
    rate = torch.arange(1, n + 1)[:, None]
    names = np.repeat([f"spring {i}" for i in range(n)], rows)
    return Curves(t.flatten()[:, None], torch.sin(rate * t).flatten(), names)


def test_each_regression_is_one_curve():
    data = springs()
    tasks = data.tasks("train")
    batch = tasks.sample(40, shots=5, queries=7, generator=seeded())
    assert batch.support_y.shape == (40, 5, 1)
    assert batch.query_x.shape == (40, 7, 1)
    for i in range(40):
        task = batch.task(i)
        rate = int(tasks.names[task.info["task"]].split()[1]) + 1
        torch.testing.assert_close(task.query_y, torch.sin(rate * task.query_x))
        assert len(torch.cat([task.support_x, task.query_x]).unique()) == 12
    assert set(batch.info["task"].tolist()) == set(range(len(tasks.names)))
    assert not set(tasks.names) & set(data.tasks("test").names)
    x, y = data.samples("spring 3")
    torch.testing.assert_close(y, torch.sin(4 * x))


def test_what_is_wrong_with_curves_is_named():
    data = springs()
    with pytest.raises(
        ValueError, match=r"shots \+ queries is 20; task 'spring \d+' has 15 samples"
    ):
        data.tasks("train").sample(1, shots=10, queries=10)
    with pytest.raises(ValueError, match="x has 3 rows and y 4"):
        Curves(np.ones((3, 1)), np.ones(4), [0, 0, 0, 1])
    with pytest.raises(ValueError, match="there is no task 'spring 99'"):
        data.samples("spring 99")


def test_every_learner_takes_them():
    """For a step; the regressions by those that need no classes."""
    data, curves = numbered((8,) * 12), springs()
    for kind in LEARNERS.values():
        if kind.name == "pretrain":  # it learns all of Omniglot's characters at once
            continue
        model = mlp(2, 8, 3) if not kind.headless else mlp(2, 8)
        given = {"way": 3} if kind.headless else {}
        cases = [(kind(model, cross_entropy, **given), data.tasks("train", 3), accuracy)]
        if not kind.needs_classes:
            cases.append((kind(mlp(1, 8, 1)), curves.tasks("train"), None))
        for learner, tasks, metric in cases:
            how = Training(1, meta_batch=2, shots=2, queries=2, capture=False)
            *_, last = meta_train(learner, tasks, how)
            assert evaluate(learner, last.theta, tasks, Evaluation(2, 2, 2, 1, metric))


def test_labels_of_classes_learn_something_true():
    """A class is a direction in the plane: five samples of each tell it."""
    angle = torch.rand(40, 1, generator=seeded()) * 6.28
    noise = 0.2 * torch.randn(40, 10, 2, generator=seeded(1))
    x = torch.stack([angle.cos(), angle.sin()], -1) + noise
    data = Classes(x.flatten(0, 1), torch.arange(40).repeat_interleave(10))
    learner = MAML(mlp(2, 16, 2), cross_entropy, inner_lr=0.5, inner_steps=2)
    how = Training(60, meta_batch=8, shots=5, queries=5, meta_lr=1e-2, capture=False)
    *_, last = meta_train(learner, data.tasks("train", 2), how)
    metric = Evaluation(60, 5, 5, 2, accuracy)
    before, *_, after = evaluate(learner, last.theta, data.tasks("test", 2), metric)
    assert before.mean == pytest.approx(0.5, abs=0.1)
    assert after.mean - after.half_width > 0.7
