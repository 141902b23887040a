"""A finite number of tasks: the same ones come back, with other samples."""

from __future__ import annotations

import pytest
import torch

from maml_edu.tasks import FiniteTasks, OmniglotTasks, SinusoidTasks
from maml_edu.tasks.data import Drawings


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (60, 20, 28, 28), generator=generator, dtype=torch.uint8)
    return Drawings(images, tuple(f"A/character{i:02d}" for i in range(60)), "made up", False)


def sample(tasks, n=200, seed=0, **sizes):
    sizes = {"shots": 2, "queries": 3} | sizes
    return tasks.sample(n, generator=torch.Generator().manual_seed(seed), **sizes)


def rows(*columns: torch.Tensor) -> set[tuple]:
    return set(map(tuple, torch.cat([c.reshape(len(c), -1) for c in columns], 1).tolist()))


def test_waves_come_back_with_new_points():
    tasks = FiniteTasks(SinusoidTasks(), 7)
    batch = sample(tasks)
    assert len(rows(batch.info["amplitude"], batch.info["phase"])) == 7
    assert batch.info["task"].unique().tolist() == list(range(7))
    assert torch.equal(batch.info["phase"], tasks.tasks["phase"][batch.info["task"]])
    amplitude, phase = (batch.info[name][:, None, None] for name in ("amplitude", "phase"))
    torch.testing.assert_close(batch.query_y, amplitude * torch.sin(batch.query_x - phase))
    assert len(batch.support_x.unique()) == batch.support_x.numel()


def test_characters_come_back_under_their_labels_with_other_drawings(drawings):
    source = OmniglotTasks("train", way=3, source=drawings)
    batch = sample(FiniteTasks(source, 4))
    assert len(rows(batch.info["character"], batch.info["rotation"])) == 4
    assert len(batch.info["rotation"].unique()) > 1
    assert len(rows(batch.info["drawing"])) > 150
    for t in range(10):
        task = batch.task(t)
        for i, label in enumerate(task.support_y.tolist()):
            picture = drawings.images[
                task.info["character"][label], task.info["drawing"][label, i % 2]
            ]
            turned = picture.rot90(task.info["rotation"][label].item()) / 255
            assert torch.equal(task.support_x[i, 0], turned)


def test_seeds():
    def amplitudes(which, **how):
        return sample(FiniteTasks(SinusoidTasks(), 5, seed=which), **how).info["amplitude"]

    assert torch.equal(amplitudes(1), amplitudes(1))
    assert rows(amplitudes(1)) == rows(amplitudes(1, seed=9))  # other draws, the same tasks
    assert not rows(amplitudes(1)) & rows(amplitudes(2))


def test_every_task_is_drawn_equally_often():
    often = sample(FiniteTasks(SinusoidTasks(), 4), 4000).info["task"].bincount()
    assert ((often - 1000).abs() < 5 * 28).all()  # a standard deviation of 27


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="n_tasks is 0; it must be an integer, 1 or more"):
        FiniteTasks(SinusoidTasks(), 0)
    with pytest.raises(ValueError, match="source is a object; it must be a source that has"):
        FiniteTasks(object(), 3)
