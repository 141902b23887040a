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
from maml_edu.runs.train import STATE_FILE, RunError, Stopped, run_training
from safetensors.torch import load_file, save_file
from torch.utils._pytree import tree_map

from maml_edu.outer import Diverged, TrainState, meta_train
from maml_edu.runs import train
from maml_edu.runs.checkpoint import RECORD, CheckpointError, load, load_state, save_state
from maml_edu.runs.config import TrainConfig, sine_config

SMALL = {"meta_batch": 3, "shots": 3, "queries": 2}
RECIPE = sine_config(steps=60, replay=False, **SMALL)


def run(out: Path, recipe: TrainConfig = RECIPE, **options):
    return run_training(recipe, out, n_tasks=4, **{"save_every": 10, **options})


def bits(out: Path) -> bytes:
    return (out / "checkpoint.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """The bits of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole")
    run(out)
    return bits(out)


def test_a_run_leaves_a_checkpoint_with_a_full_record(tmp_path):
    made = run(tmp_path / "a" / "run", command="as typed")
    assert sorted(os.listdir(tmp_path / "a" / "run")) == [
        "checkpoint.json",
        "checkpoint.safetensors",
        STATE_FILE,
    ]
    record = load(tmp_path / "a" / "run").record
    assert record == made.record
    assert set(record) == {*RECORD, "cpu_seconds", "meta_loss", "format", "sha256"}
    assert record["config"] == RECIPE.as_json()
    assert (record["seed"], record["command"]) == (0, "as typed")
    assert set(record["versions"]) >= {"maml_edu", "python", "torch", "numpy"}
    assert record["hardware"]["device"] == "cpu"
    assert record["seconds"] > 0
    assert len(record["figures"]["by_inner_step"]) == 11
    assert all(f["half_width"] > 0 for f in record["figures"]["by_inner_step"])
    assert not math.isnan(record["meta_loss"])


@pytest.mark.parametrize("learner", ["maml", "joint", "oracle"])
def test_a_run_is_what_meta_train_gives(tmp_path, learner):
    recipe = sine_config(learner, steps=20, seed=5, replay=False, **SMALL)
    *_, last = meta_train(recipe.make_learner(), recipe.make_tasks(), **recipe.training)
    made = run(tmp_path, recipe)
    assert all(torch.equal(made.theta[name], p) for name, p in last.theta.items())


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(tmp_path, whole):
    run(tmp_path / "again", save_every=7)  # how often it saves must not matter
    run(tmp_path / "other", sine_config(steps=60, replay=False, seed=1, **SMALL))
    assert bits(tmp_path / "again") == whole
    assert bits(tmp_path / "other") != whole


def test_no_steps_leave_the_random_initialisation(tmp_path):
    recipe = sine_config(steps=0, **SMALL)
    initial = recipe.make_model().init(generator=torch.Generator().manual_seed(0))
    made = run(tmp_path, recipe)
    assert all(torch.equal(made.theta[name], p) for name, p in initial.items())
    assert made.record["meta_loss"] is None


@pytest.mark.parametrize(("number", "replay"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_stopped_run_resumes_bit_for_bit(tmp_path, monkeypatch, number, replay):
    recipe = sine_config(steps=60, replay=replay, **SMALL)
    run(tmp_path / "whole", recipe)
    real, saves = train.save_state, []

    def save_and_ask_to_stop(path, state, *rest):
        real(path, state, *rest)
        saves.append(state.step)
        if state.step in (10, 30):
            signal.raise_signal(number)

    monkeypatch.setattr(train, "save_state", save_and_ask_to_stop)
    with pytest.raises(Stopped, match="step 10 of 60"):
        run(tmp_path / "cut", recipe)
    with pytest.raises(Stopped, match="step 30 of 60"):
        run(tmp_path / "cut", recipe, resume=True)
    assert not (tmp_path / "cut" / "checkpoint.json").exists()
    run(tmp_path / "cut", recipe, resume=True)
    assert saves == [0, 10, 20, 30, 40, 50, 60]
    assert bits(tmp_path / "cut") == bits(tmp_path / "whole")
    assert signal.getsignal(number) not in (None, signal.SIG_IGN)


def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_state(tmp_path, monkeypatch, whole):
    def impatient(*args, **options):
        for state in meta_train(*args, **options):
            if state.step == 30:  # it is not handed on: as if in the middle of the steps up to 30
                signal.raise_signal(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)
            yield state

    monkeypatch.setattr(train, "LOOK_EVERY", 10)
    monkeypatch.setattr(train, "meta_train", impatient)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, save_every=50)
    monkeypatch.undo()
    assert load_state(tmp_path / STATE_FILE)[0].step == 20  # though only 0 and 50 had been due
    run(tmp_path, resume=True)
    assert bits(tmp_path) == whole


KILLED_IN_A_SAVE = """
import os, sys, time
from pathlib import Path
import torch
from maml_edu.runs.train import run_training
from tests.runs.test_train import RECIPE

torch.set_num_threads(1)  # as in the tests: the order of additions is a part of the bits
out, before = Path(sys.argv[1]), sys.argv[2] == "before"
real, calls = os.replace, 0

def replace(old, new):
    global calls
    calls += 1
    if calls < 4:
        return real(old, new)
    if not before:
        real(old, new)
    (out.parent / "now").touch()
    time.sleep(600)

os.replace = replace
run_training(RECIPE, out, save_every=10)
"""


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
    assert load_state(out / STATE_FILE)[0].step == step
    run(out, resume=True)
    assert bits(out) == whole
    assert sorted(os.listdir(out)) == ["checkpoint.json", "checkpoint.safetensors", STATE_FILE]


def wait_for(condition, child: subprocess.Popen, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, f"it ended by itself, with {child.returncode}"
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_a_finished_run_can_be_resumed_and_stays_what_it_is(tmp_path, whole):
    run(tmp_path)
    run(tmp_path, resume=True)
    assert bits(tmp_path) == whole


def test_divergence_keeps_the_last_good_state(tmp_path):
    recipe = sine_config(steps=400, meta_lr=1e12, replay=False, **SMALL)
    with pytest.raises(Diverged, match="smaller meta_lr"):
        run(tmp_path, recipe, save_every=5)
    state, saved, *_ = load_state(tmp_path / STATE_FILE)
    assert saved == recipe
    assert all(p.isfinite().all() for p in state.theta.values())
    assert os.listdir(tmp_path) == [STATE_FILE]


def test_a_theta_that_is_not_finite_counts_as_divergence(tmp_path, monkeypatch):
    """The loss is that of the step before, so it can still be finite then."""

    def spoiling(*args, **options):
        for state in meta_train(*args, **options):
            nan = {name: p * float("nan") for name, p in state.theta.items()}
            yield state if state.step < 20 else replace(state, theta=nan)

    monkeypatch.setattr(train, "meta_train", spoiling)
    with pytest.raises(Diverged, match="not finite at step 20"):
        run(tmp_path)
    assert load_state(tmp_path / STATE_FILE)[0].step == 10


# --- what cannot start, and writes nothing


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


CHANGES = {
    "steps": (sine_config(steps=61, replay=False, **SMALL), "steps is 60 there and 61 here"),
    "seed": (sine_config(steps=60, replay=False, seed=4, **SMALL), "seed is 0 there and 4 here"),
    "learner": (sine_config("joint", steps=60, replay=False, **SMALL), "learner is maml there"),
    "inner_lr": (sine_config(steps=60, replay=False, inner_lr=0.5, **SMALL), "inner_lr is 0.01"),
    "first_order": (
        sine_config(steps=60, replay=False, first_order=True, **SMALL),
        "first_order is False there and True here",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_resuming_as_another_run_is_refused(tmp_path, name):
    run(tmp_path)
    before = contents(tmp_path)
    other, sentence = CHANGES[name]
    with pytest.raises(RunError, match=sentence):
        run(tmp_path, other, resume=True)
    assert contents(tmp_path) == before


def test_resuming_nothing_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run to resume"):
        run(tmp_path / "none", resume=True)
    assert not list(tmp_path.iterdir())


def test_starting_over_a_run_is_refused(tmp_path):
    run(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(RunError, match="holds a run already; add --resume"):
        run(tmp_path)
    assert contents(tmp_path) == before


@pytest.fixture
def state_file(tmp_path) -> Path:
    *_, last = meta_train(
        RECIPE.make_learner(), RECIPE.make_tasks(), **{**RECIPE.training, "steps": 3}
    )
    save_state(tmp_path / STATE_FILE, last, RECIPE, (1.5, 0.5))
    return tmp_path / STATE_FILE


def test_a_state_comes_back_whole(state_file):
    state, recipe, spent, _ = load_state(state_file)
    assert (state.step, recipe, spent) == (3, RECIPE, (1.5, 0.5))
    *_, saved = meta_train(
        RECIPE.make_learner(), RECIPE.make_tasks(), **{**RECIPE.training, "steps": 3}
    )
    assert tree_map(torch.Tensor.tolist, (state.theta, state.moments, state.generator)) == (
        tree_map(torch.Tensor.tolist, (saved.theta, saved.moments, saved.generator))
    )
    assert state.meta_loss == saved.meta_loss


def test_a_fresh_state_comes_back_too(tmp_path):
    theta = RECIPE.make_model().init()
    fresh = TrainState(0, theta, {}, torch.Generator().get_state(), math.nan)
    save_state(tmp_path / "s", fresh, RECIPE)
    back, *_ = load_state(tmp_path / "s")
    assert back.moments == {}
    assert math.isnan(back.meta_loss)


WRONG_STATES = {
    "a moment missing": (lambda t: t.pop("moments/0.bias/exp_avg"), "lacks moments/0.bias/exp_avg"),
    "no step": (lambda t: t.pop("step"), "has no step"),
    "step as text would be": (lambda t: t.update(step=torch.zeros(3)), "has no step"),
    "beyond the end": (lambda t: t.update(step=torch.tensor(61)), "at step 61 of 60"),
    "before the start": (lambda t: t.update(step=torch.tensor(-1)), "at step -1 of 60"),
    "a short generator": (lambda t: t.update(generator=t["generator"][:9].clone()), "generator"),
    "a generator of floats": (lambda t: t.update(generator=torch.zeros(5056)), "generator"),
    "nan": (lambda t: t["theta/0.bias"].fill_(float("nan")), "theta/0.bias that are not finite"),
    "an extra": (lambda t: t.update(more=torch.zeros(1)), "should not have more"),
}


@pytest.mark.parametrize("name", WRONG_STATES)
def test_a_wrong_state_is_refused(state_file, name):
    change, sentence = WRONG_STATES[name]
    metadata = {"format": "maml_edu training state 1", "config": json.dumps(RECIPE.as_json())}
    tensors = load_file(state_file)
    change(tensors)
    save_file(tensors, state_file, metadata)
    with pytest.raises(CheckpointError, match=sentence):
        load_state(state_file)


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({}, "not a training state"),
        ({"format": "maml_edu training state 1"}, "valid JSON"),
        ({"format": "maml_edu training state 1", "config": "{}"}, "config is {}"),
        ({"format": "maml_edu training state 1", "config": "[1]"}, "JSON object"),
    ],
)
def test_a_state_without_its_recipe_is_refused(state_file, metadata, sentence):
    save_file(load_file(state_file), state_file, metadata)
    with pytest.raises(CheckpointError, match=sentence):
        load_state(state_file)


@pytest.mark.parametrize("kept", [0, 5, 100, 5000, -1])
def test_a_truncated_state_is_refused_and_left_alone(state_file, kept):
    state_file.write_bytes(state_file.read_bytes()[:kept])
    before = contents(state_file.parent)
    with pytest.raises(CheckpointError, match="cut short"):
        run(state_file.parent, resume=True)
    assert contents(state_file.parent) == before
