"""Runs: the same bits for the same seed, however often a run is stopped, killed and resumed."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._pytree import tree_map

from maml_edu.foundation.files import FileError
from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.runs import run as runs
from maml_edu.runs.checkpoint import METADATA, load
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.history import read
from maml_edu.runs.run import Run, RunError, RunOptions, Stopped
from maml_edu.runs.training_state import FORMAT, STATE_FILE, Progress, load_state, save_state

SMALL = {"meta_batch": 3, "shots": 3, "queries": 2, "capture": False}
IN_A_FOLDER = ["checkpoint.json", "checkpoint.safetensors", "history.csv", STATE_FILE]


def sine(steps: int = 60, **options) -> TrainConfig:
    return TrainConfig.make("sine", steps=steps, **{**SMALL, **options})


CONFIG = sine()
EVERY_10 = ["10", "20", "30", "40", "50", "60"]


def run(out: Path, config: TrainConfig = CONFIG, *, save_every=10, resume=False, **options):
    return Run(config, out, RunOptions(save_every, n_tasks=4), **options).train(resume=resume)


def bits(out: Path) -> bytes:
    return (out / "checkpoint.safetensors").read_bytes()


def steps_of(out: Path) -> list[str]:
    return [row["step"] for row in read(out / "history.csv")]


def saved_step(out: Path) -> int:
    return load_state(out / STATE_FILE).state.step


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The folder of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "a" / "run"
    run(out, command="as typed")
    return out


def test_a_run_leaves_a_checkpoint_with_all_its_metadata(whole):
    assert sorted(os.listdir(whole)) == IN_A_FOLDER
    metadata = load(whole).metadata
    assert set(metadata) == {*METADATA, "cpu_seconds", "meta_loss", "format", "sha256"}
    assert metadata["config"] == CONFIG.as_json()
    assert (metadata["seed"], metadata["command"]) == (0, "as typed")
    assert set(metadata["versions"]) >= {"maml_edu", "python", "torch", "numpy"}
    assert metadata["hardware"]["device"] == "cpu"
    assert metadata["seconds"] > 0
    assert len(metadata["figures"]["by_inner_step"]) == 11
    assert all(f["half_width"] > 0 for f in metadata["figures"]["by_inner_step"])
    assert not math.isnan(metadata["meta_loss"])


@pytest.mark.parametrize("learner", ["maml", "joint", "oracle"])
def test_a_run_is_what_meta_train_gives(tmp_path, learner):
    config = sine(20, learner=learner, seed=5)
    *_, last = meta_train(config.make_learner(), config.make_tasks(), config.training)
    made = run(tmp_path, config)
    assert all(torch.equal(made.theta[name], p) for name, p in last.theta.items())


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(tmp_path, whole):
    run(tmp_path / "again", save_every=7)  # how often it saves must not matter
    run(tmp_path / "other", sine(seed=1))
    assert bits(tmp_path / "again") == bits(whole)
    assert bits(tmp_path / "other") != bits(whole)


def test_no_steps_leave_the_random_initialisation(tmp_path):
    config = sine(0)
    initial = config.make_model().init(generator=torch.Generator().manual_seed(0))
    made = run(tmp_path, config)
    assert all(torch.equal(made.theta[name], p) for name, p in initial.items())
    assert made.metadata["meta_loss"] is None


# --- stopped, killed, resumed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_resumes_bit_for_bit(tmp_path, monkeypatch, whole, number):
    real, saves = runs.save_state, []

    def save_and_ask_to_stop(path, progress):
        real(path, progress)
        saves.append(progress.state.step)
        if progress.state.step in (10, 30):
            signal.raise_signal(number)

    monkeypatch.setattr(runs, "save_state", save_and_ask_to_stop)
    with pytest.raises(Stopped, match="step 10 of 60"):
        run(tmp_path)
    with pytest.raises(Stopped, match="step 30 of 60"):
        run(tmp_path, resume=True)
    assert not (tmp_path / "checkpoint.json").exists()
    run(tmp_path, resume=True)
    assert saves == [0, 10, 20, 30, 40, 50, 60]
    assert bits(tmp_path) == bits(whole)
    assert steps_of(tmp_path) == EVERY_10
    assert signal.getsignal(number) not in (None, signal.SIG_IGN)


def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_state(tmp_path, monkeypatch, whole):
    def impatient(*args, **options):
        for state in meta_train(*args, **options):
            if state.step == 30:  # it is not handed on: as if in the middle of the steps up to 30
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            yield state

    monkeypatch.setattr(runs, "LOOK_EVERY", 10)
    monkeypatch.setattr(runs, "meta_train", impatient)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, save_every=50)
    monkeypatch.undo()
    assert saved_step(tmp_path) == 20  # though only 0 and 50 had been due
    run(tmp_path, resume=True)
    assert bits(tmp_path) == bits(whole)


KILLED_IN_A_SAVE = """
import os, sys, time
from pathlib import Path
import torch
from tests.runs.test_run import STATE_FILE, run

torch.set_num_threads(1)  # as in the tests: the order of additions is a part of the bits
out, before = Path(sys.argv[1]), sys.argv[2] == "before"
real, saves = os.replace, 0

def replace(old, new):
    global saves
    saves += Path(new).name == STATE_FILE
    if saves < 4:
        return real(old, new)
    if not before:
        real(old, new)
    (out.parent / "now").touch()
    time.sleep(600)

os.replace = replace
run(out)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "step"), [("before", 20), ("after", 30)])
def test_a_run_killed_in_the_middle_of_a_save_resumes_bit_for_bit(
    tmp_path, whole, root, moment, step
):
    """kill -9 while the fourth state is being written: the third or the fourth is there, whole."""
    out = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_IN_A_SAVE, str(out), moment], cwd=root
    ) as child:
        wait_for(lambda: (tmp_path / "now").exists(), child)
        child.kill()
    assert child.returncode == -signal.SIGKILL
    assert saved_step(out) == step
    assert steps_of(out)[-1] == "30"  # the history is ahead of the state, or even with it
    run(out, resume=True)
    assert bits(out) == bits(whole)
    assert steps_of(out) == EVERY_10
    assert sorted(os.listdir(out)) == IN_A_FOLDER


def wait_for(condition, child: subprocess.Popen, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, f"it ended by itself, with {child.returncode}"
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_a_finished_run_can_be_resumed_and_stays_what_it_is(tmp_path, whole):
    run(tmp_path)
    run(tmp_path, resume=True)
    assert bits(tmp_path) == bits(whole)
    assert steps_of(tmp_path) == EVERY_10


# --- more steps than first asked for

STEADY = {"schedule": "constant", "warmup": 0.0}


def test_a_run_with_a_constant_schedule_can_be_lengthened(tmp_path):
    run(tmp_path / "long", sine(60, **STEADY))
    run(tmp_path / "grown", sine(30, **STEADY))
    assert bits(tmp_path / "long") != bits(tmp_path / "grown")
    run(tmp_path / "grown", sine(60, **STEADY), resume=True)
    assert bits(tmp_path / "grown") == bits(tmp_path / "long")
    assert steps_of(tmp_path / "grown") == EVERY_10
    assert load(tmp_path / "grown").config == sine(60, **STEADY)


@pytest.mark.parametrize(
    "other",
    [
        {},  # cosine
        {"schedule": "constant", "warmup": 0.1},  # it rose faster in the shorter run
        {**STEADY, "learner": "maml++", "inner_steps": 2},  # its weights follow the progress
    ],
)
def test_where_the_steps_so_far_would_have_been_others_the_way_is_named(tmp_path, other):
    run(tmp_path, sine(20, **other))
    before = contents(tmp_path)
    with pytest.raises(RunError, match=r"run of 20 steps, and --steps is 40; .* --start .* --out"):
        run(tmp_path, sine(40, **other), resume=True)
    assert contents(tmp_path) == before


def test_a_run_cannot_be_made_shorter_than_it_is(tmp_path):
    run(tmp_path, sine(20, **STEADY))
    with pytest.raises(RunError, match=r"run of 20 steps, and --steps is 10; .* done 20 already"):
        run(tmp_path, sine(10, **STEADY), resume=True)


# --- divergence


def test_divergence_keeps_the_last_good_state(tmp_path):
    config = sine(400, meta_lr=1e12)
    with pytest.raises(Diverged, match="smaller meta_lr"):
        run(tmp_path, config, save_every=5)
    progress = load_state(tmp_path / STATE_FILE)
    assert progress.config == config
    assert all(p.isfinite().all() for p in progress.state.theta.values())
    assert sorted(os.listdir(tmp_path)) == ["history.csv", STATE_FILE]


def test_a_theta_that_is_not_finite_counts_as_divergence(tmp_path, monkeypatch):
    """The loss is that of the step before, so it can still be finite then."""

    def spoiling(*args, **options):
        for state in meta_train(*args, **options):
            nan = {name: p * float("nan") for name, p in state.theta.items()}
            yield state if state.step < 20 else replace(state, theta=nan)

    monkeypatch.setattr(runs, "meta_train", spoiling)
    with pytest.raises(Diverged, match="not finite at step 20"):
        run(tmp_path)
    assert saved_step(tmp_path) == 10


# --- what cannot start, and writes nothing


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


CHANGES = {
    "seed": (sine(seed=4), "seed is 0 there and 4 here"),
    "learner": (sine(learner="joint"), "learner is maml there and joint here"),
    "inner_lr": (sine(inner_lr=0.5), "inner_lr is 0.01 there and 0.5 here"),
    "first_order": (sine(first_order=True), "first_order is False there and True here"),
    "capture": (sine(capture=True), "capture is False there and True here"),
    "start": (replace(CONFIG, start="a" * 64), "start is .* it must be the config's start, aaa"),
}


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("done")
    run(out)
    return out


@pytest.mark.parametrize("name", CHANGES)
def test_resuming_as_another_run_is_refused(done, name):
    before = contents(done)
    other, words = CHANGES[name]
    with pytest.raises(RunError, match=words):
        run(done, other, resume=True)
    assert contents(done) == before


def test_starting_over_a_run_is_refused(done):
    before = contents(done)
    with pytest.raises(RunError, match="holds a run already; add --resume"):
        run(done)
    assert contents(done) == before


def test_resuming_nothing_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run to resume"):
        run(tmp_path / "none", resume=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"hidden": (30, 40)}, {"learner": "oracle"}])
def test_starting_from_another_network_is_refused_before_anything_is_written(tmp_path, options):
    start = load("sine-maml")
    config = sine(**options, start=start.metadata["sha256"])
    with pytest.raises(RunError, match=r"start has \(40, 1\) for 0.weight; it must be \("):
        Run(config, tmp_path / "out").train(start=start)
    assert not list(tmp_path.iterdir())


# --- the state on disk


@pytest.fixture(scope="module")
def third() -> TrainState:
    states = meta_train(CONFIG.make_learner(), CONFIG.make_tasks(), CONFIG.training, every=3)
    return [next(states), next(states)][-1]


@pytest.fixture
def state_file(tmp_path, third) -> Path:
    save_state(tmp_path / STATE_FILE, Progress(third, CONFIG, (1.5, 0.5), [(2, 0.5, 0.9, 0.1)]))
    return tmp_path / STATE_FILE


def test_a_state_comes_back_whole(state_file, third):
    back = load_state(state_file)
    assert (back.config, back.spent, list(back.validated)) == (
        CONFIG,
        (1.5, 0.5),
        [(2, 0.5, 0.9, 0.1)],
    )
    assert (back.state.step, back.state.meta_loss) == (3, third.meta_loss)
    assert tree_map(torch.Tensor.tolist, (back.state.theta, back.state.moments)) == (
        tree_map(torch.Tensor.tolist, (third.theta, third.moments))
    )
    assert torch.equal(back.state.generator, third.generator)


def test_a_fresh_state_comes_back_too(tmp_path):
    theta = CONFIG.make_model().init()
    fresh = TrainState(0, theta, {}, torch.Generator().get_state(), math.nan)
    save_state(tmp_path / "s", Progress(fresh, CONFIG))
    back = load_state(tmp_path / "s").state
    assert back.moments == {}
    assert math.isnan(back.meta_loss)


WRONG_TENSORS = {
    "a moment missing": (lambda t: t.pop("moments/0.bias/exp_avg"), "lacks moments/0.bias/exp_avg"),
    "no generator": (lambda t: t.pop("generator"), "generator"),
    "a short generator": (lambda t: t.update(generator=t["generator"][:9].clone()), "damaged"),
    "a generator of floats": (lambda t: t.update(generator=torch.zeros(5056)), "damaged"),
    "nan": (lambda t: t["theta/0.bias"].fill_(float("nan")), "theta/0.bias that are not finite"),
    "an extra": (lambda t: t.update(more=torch.zeros(1)), "it has more"),
}
WRONG_NUMBERS = {
    "no step": ({"step": None}, "step is None"),
    "half a step": ({"step": 1.5}, "step is 1.5"),
    "beyond the end": ({"step": 61}, "step is 61; .* from 0 to 60"),
    "before the start": ({"step": -1}, "step is -1; .* from 0 to 60"),
    "seconds in words": ({"spent": ["many"]}, "damaged"),
    "validations without numbers": ({"validated": [[]]}, "damaged"),
}


def metadata_of(**changed) -> dict[str, str]:
    numbers = {"step": 3, "meta_loss": 1.0, "spent": [1, 1], "validated": [], **changed}
    words = {"config": json.dumps(CONFIG.as_json()), "progress": json.dumps(numbers)}
    return {"format": FORMAT, **words}


@pytest.mark.parametrize("name", WRONG_TENSORS)
def test_wrong_tensors_of_a_state_are_refused(state_file, name):
    change, words = WRONG_TENSORS[name]
    tensors = load_file(state_file)
    change(tensors)
    save_file(tensors, state_file, metadata_of())
    with pytest.raises(FileError, match=words):
        load_state(state_file)


@pytest.mark.parametrize("name", WRONG_NUMBERS)
def test_wrong_numbers_of_a_state_are_refused(state_file, name):
    changed, words = WRONG_NUMBERS[name]
    save_file(load_file(state_file), state_file, metadata_of(**changed))
    with pytest.raises(FileError, match=words):
        load_state(state_file)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "not a training state"),
        ({"format": FORMAT}, "valid JSON"),
        ({**metadata_of(), "config": "{}"}, "config is {}"),
        ({**metadata_of(), "config": "[1]"}, "JSON object"),
        ({**metadata_of(), "progress": "{}"}, "damaged: KeyError 'step'"),
    ],
)
def test_a_state_without_its_metadata_is_refused(state_file, metadata, words):
    save_file(load_file(state_file), state_file, metadata)
    with pytest.raises(FileError, match=words):
        load_state(state_file)


@pytest.mark.parametrize("kept", [0, 5, 100, 5000, -1])
def test_a_truncated_state_is_refused_and_left_alone(state_file, kept):
    state_file.write_bytes(state_file.read_bytes()[:kept])
    before = contents(state_file.parent)
    with pytest.raises(FileError, match="cut short"):
        run(state_file.parent, resume=True)
    assert contents(state_file.parent) == before
