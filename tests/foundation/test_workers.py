"""Two workers do what one does, and a lost one is not missed in the end: real processes, gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from maml_edu.foundation.workers import Workers
from maml_edu.runs.checkpoint import load
from maml_edu.tasks import SinusoidTasks
from tests.foundation.two_workers import LEARNERS, META_BATCHES, STEPS


@pytest.fixture(scope="module")
def done(root, tmp_path_factory) -> tuple[Path, str]:
    """The folder that the two workers leave, and what they wrote to the terminal. One start of
    torchrun serves all tests, as each process takes seconds to load torch."""
    folder = tmp_path_factory.mktemp("two")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ended = subprocess.run(
        [*command, "--max-restarts=1", "-m", "tests.foundation.two_workers", str(folder)],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    return folder, ended.stderr


@pytest.fixture(scope="module")
def found(done) -> list[dict]:
    """What each of the two workers found."""
    return [torch.load(done[0] / f"worker-{rank}.pt") for rank in (0, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("meta_batch", META_BATCHES)
@pytest.mark.parametrize("name", LEARNERS)
def test_two_workers_have_the_gradient_of_one(found, name, meta_batch):
    ours, alone = found[0]["cases"][f"{name}, {meta_batch} tasks"]
    theirs, _ = found[1]["cases"][f"{name}, {meta_batch} tasks"]
    assert max(g.abs().max() for g in alone.values()) > 0.01
    for key, g in alone.items():
        torch.testing.assert_close(ours[key], g, rtol=1e-12, atol=1e-14)
        assert torch.equal(ours[key], theirs[key])


@pytest.mark.slow
@pytest.mark.slow
def test_two_workers_train_as_one_does(found):
    ours, alone = found[0]["trained"]
    assert ours == pytest.approx(alone, rel=1e-5)
    assert ours == found[1]["trained"][0]


@pytest.mark.slow
@pytest.mark.slow
def test_fewer_tasks_than_workers_are_refused(found):
    assert found[1]["refused"].startswith("meta_batch is 1; it must be 2 or more")


@pytest.mark.slow
def test_one_worker_writes_one_checkpoint(done):
    folder, _ = done
    assert sorted(os.listdir(folder / "whole")) == [
        "checkpoint.json",
        "checkpoint.safetensors",
        "history.csv",
        "state.safetensors",
    ]
    metadata = load(folder / "whole").metadata
    assert metadata["command"].startswith("torchrun --nproc-per-node=2 -m maml_edu train sine")
    assert metadata["hardware"]["workers"] == 2


@pytest.mark.slow
@pytest.mark.slow
def test_a_run_whose_worker_is_killed_ends_as_if_undisturbed(done):
    folder, said = done
    assert "another worker is gone" in said  # so one was killed
    assert f"30/{STEPS}" in said.rpartition("another worker is gone")[2]  # they went on from there
    cut, whole = load(folder / "killed"), load(folder / "whole")
    assert cut.metadata["meta_loss"] == whole.metadata["meta_loss"]
    assert all(torch.equal(cut.theta[name], p) for name, p in whole.theta.items())


@pytest.mark.parametrize(("count", "n_tasks"), [(1, 3), (2, 5), (3, 7), (4, 4)])
def test_shares_are_all_tasks_once(count, n_tasks):
    batch = SinusoidTasks().sample(n_tasks, shots=2, queries=3)
    shares = [Workers(rank, count).share(batch) for rank in range(count)]
    sizes = [len(share.query_y) for share in shares]
    assert sum(sizes) == n_tasks
    assert max(sizes) - min(sizes) <= 1
    seen = torch.cat([share.info["phase"] for share in shares])
    assert torch.equal(seen.sort().values, batch.info["phase"].sort().values)


def test_each_worker_needs_a_task():
    Workers(1, 2).check(2)
    with pytest.raises(ValueError, match="meta_batch is 1; it must be 2 or more, .* 2 workers"):
        Workers(1, 2).check(1)
