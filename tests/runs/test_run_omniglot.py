"""Runs on Omniglot's kind of tasks: what is validated and kept, resumed, started from another."""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maml_edu.outer import Diverged, meta_train
from maml_edu.runs import run as runs
from maml_edu.runs.checkpoint import load
from maml_edu.runs.cli import main
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.history import read
from maml_edu.runs.measure import Measurement, measure
from maml_edu.runs.run import Run, RunError, RunOptions, Stopped
from maml_edu.runs.training_state import STATE_FILE, load_state, start_from
from maml_edu.tasks.data import Drawings

# Not captured: capturing the meta-gradient would take longer than these few steps.
SMALL = {
    "model": "dense4", "hidden": (16,), "meta_batch": 2, "queries": 2, "steps": 8,
    "data": "stand-in", "capture": False,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _few_validation_tasks():
    before, runs.VALIDATION_TASKS = runs.VALIDATION_TASKS, 4
    yield
    runs.VALIDATION_TASKS = before


def config(**options) -> TrainConfig:
    return TrainConfig.make("omniglot", **{**SMALL, **options})


def run(out: Path, drawings: Drawings, made: TrainConfig | None = None, start=None, resume=False):
    how = RunOptions(save_every=2, validate_every=4, n_tasks=4)
    return Run(made or config(), out, how, source=drawings).train(resume=resume, start=start)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, drawings) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    run(out, drawings)
    return out


def bits(out: Path) -> list[bytes]:
    return [(out / f"{name}.safetensors").read_bytes() for name in ("best", "last", "checkpoint")]


def test_a_run_keeps_the_best_and_the_last(whole, drawings):
    metadata = load(whole).metadata
    assert [row["step"] for row in metadata["validation"]] == [4, 8]
    assert load(whole / "last").metadata["meta_loss"] == metadata["meta_loss"]
    best = max(metadata["validation"], key=lambda row: row["accuracy"])
    figures = load(whole / "best").metadata["figures"]
    assert figures["protocol"]["split"] == "validation"
    assert figures["by_inner_step"][-1]["mean"] == best["accuracy"]
    how = Measurement(4, split="validation")
    again = measure(load(whole).config, load(whole / "best").theta, how, source=drawings)
    assert again["by_inner_step"][-1]["mean"] == pytest.approx(best["accuracy"], abs=1e-6)
    assert metadata["figures"]["protocol"]["split"] == "test"
    assert metadata["data"].startswith("own drawings, not Omniglot, 200 characters, split by")


def test_the_last_is_what_meta_train_gives(whole, drawings):
    made = config()
    learner, tasks = made.make_learner(), made.make_tasks("train", drawings)
    *_, last = meta_train(learner, tasks, made.training)
    kept = load(whole / "last").theta
    assert all(torch.equal(kept[name], p) for name, p in last.theta.items())


def lines(out: Path) -> list[tuple[str, str, str]]:
    """The history without what the clock says."""
    rows = read(out / "history.csv")
    return [(r["step"], r["meta_loss"], r["validation_accuracy"]) for r in rows]


def accuracies(out: Path) -> list[tuple[int, float]]:
    return [(row["step"], row["accuracy"]) for row in load(out).metadata["validation"]]


@pytest.mark.parametrize("stop_at", [2, 4, 6])
def test_a_stopped_run_resumes_bit_for_bit(tmp_path, monkeypatch, drawings, whole, stop_at):
    """At step 4 it stops after a validation that the saved state does not know of."""
    real = runs.save_state

    def save_and_stop(path, progress):
        real(path, progress)
        if progress.state.step == stop_at:
            os.kill(os.getpid(), 2)

    monkeypatch.setattr(runs, "save_state", save_and_stop)
    with pytest.raises(Stopped, match=f"step {stop_at} of 8"):
        run(tmp_path, drawings)
    monkeypatch.undo()
    run(tmp_path, drawings, resume=True)
    assert bits(tmp_path) == bits(whole)
    assert accuracies(tmp_path) == accuracies(whole)
    assert lines(tmp_path) == lines(whole)
    assert [step for step, *_ in lines(whole)] == ["2", "4", "4", "6", "8", "8"]


def test_a_finished_run_can_be_resumed_and_its_history_stays(tmp_path, drawings, whole):
    run(tmp_path, drawings)
    run(tmp_path, drawings, resume=True)
    assert bits(tmp_path) == bits(whole)
    assert lines(tmp_path) == lines(whole)


def test_a_validation_shows_how_far_it_is(tmp_path, drawings, capsys):
    how = RunOptions(save_every=8, validate_every=8, n_tasks=6, progress=True)
    Run(config(), tmp_path, how, source=drawings).train()
    shown = capsys.readouterr().err
    assert "8/8" in shown
    assert "/4 [" in shown  # validation tasks
    assert "/6 [" in shown  # test tasks


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(
    tmp_path, monkeypatch, drawings
):
    def going_wrong(*args, **options):
        for state in meta_train(*args, **options):
            if state.step == 6:
                raise Diverged("the meta-loss is nan over steps 4 to 6")
            yield state

    monkeypatch.setattr(runs, "meta_train", going_wrong)
    with pytest.raises(Diverged, match="nan over steps 4 to 6"):
        run(tmp_path, drawings)
    assert load_state(tmp_path / STATE_FILE).state.step == 4
    assert not (tmp_path / "checkpoint.json").exists()
    assert load(tmp_path / "best").metadata["validation"][0]["step"] == 4


def test_training_that_explodes_says_so(tmp_path, drawings):
    with pytest.raises(Diverged, match="try a smaller"):
        run(tmp_path, drawings, config(meta_lr=1e30))
    assert load_state(tmp_path / STATE_FILE).state.step == 0


# --- starting from another model


def test_a_start_takes_over_what_fits_and_treats_all_classes_alike():
    features = config(way=8, learner="protonet").make_learner()
    theta = features.init(generator=torch.Generator().manual_seed(3))
    learner = config(way=7, learned_rates=True).make_learner()
    begun = start_from(theta, learner, seed=0)
    assert {name: tuple(p.shape) for name, p in begun.theta.items()} == learner.shapes()
    assert all(torch.equal(begun.theta[n], theta[n]) for n in theta if n != "log_scale")
    head = begun.theta["head.weight"]
    assert torch.equal(head, head[:1].expand_as(head))
    wider = start_from(begun.theta, config(way=9).make_learner(), seed=0).theta["head.weight"]
    torch.testing.assert_close(wider, head[:1].expand(9, -1))


def test_a_run_from_another_tells_of_it_and_resumes(tmp_path, drawings, whole):
    start = load(whole)
    made = config(way=6, start=start.metadata["sha256"])
    run(tmp_path, drawings, made, start=start)
    metadata = load(tmp_path).metadata
    assert metadata["started_from"]["config"] == start.metadata["config"]
    assert metadata["config"]["start"] == start.metadata["sha256"]
    with pytest.raises(RunError, match=r"cannot go on from: start is \w+ there and None here"):
        run(tmp_path, drawings, config(way=6), resume=True)
    with pytest.raises(RunError, match=r"start is None; it must be the config's start, \w+"):
        run(tmp_path, drawings, made, resume=True)
    run(tmp_path, drawings, made, start=start, resume=True)
    assert load(tmp_path).metadata["started_from"] == metadata["started_from"]


# --- the command line


@pytest.fixture
def stand_in(monkeypatch, drawings, tmp_path):
    """The command line finds the made-up drawings, in an empty folder of its own."""
    drawings = replace(drawings, standin=True)
    monkeypatch.setattr("maml_edu.runs.cli.train.load_drawings", lambda source: drawings)
    monkeypatch.setattr("maml_edu.tasks.omniglot.load_drawings", lambda source, **_: drawings)
    monkeypatch.chdir(tmp_path)


TRAIN = ["train", "omniglot", "--model", "dense4", "--meta-batch", "2", "--queries", "2"]
TRAIN += ["--steps", "20", "--n-tasks", "4", "--no-capture"]


def test_options_reach_the_run_and_its_evaluation(stand_in, capsys):
    options = "--way 4 --shots 2 --inner-lr 0.2 --head-lr 0.5 --inner-steps 2 --meta-lr 0.002"
    flags = "--learned-rates --per-step-losses --first-order --protocol support-only --seed 4"
    more = "--schedule cosine --warmup 0.1 --chunk-size 2 --steps 4 --hidden 16 --out a"
    assert main([*TRAIN, *f"{options} {flags} {more}".split()]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("maml_edu: made up")
    assert "4-way 2-shot accuracy on 4 tasks of test characters, 15 queries" in printed.out
    assert "stand-in, not Omniglot" in printed.out
    config = load("a").metadata["config"]
    assert config["learner"] == {
        "name": "maml",
        "inner_lr": 0.2,
        "inner_steps": 2,
        "head_lr": 0.5,
        "protocol": "support-only",
        "first_order": True,
        "learned_rates": True,
        "per_step_losses": True,
        "checkpointing": False,
    }
    assert config["model"] == {"name": "dense4", "hidden": [16]}
    assert config["tasks"] == {"name": "omniglot", "way": 4, "rotations": True, "data": "stand-in"}
    training = config["training"]
    assert (training["schedule"], training["warmup"], training["chunk_size"]) == ("cosine", 0.1, 2)
    assert load("a").metadata["figures"]["protocol"]["rotations"] is True  # as in the authors' code
    command = "evaluate a --n-tasks 6 --inner-steps 1 --protocol one-by-one --queries 3 --json"
    command += " --upright"
    assert main(command.split()) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["protocol"]["batch_norm"] == "one-by-one"
    assert figures["protocol"]["rotations"] is False
    assert (figures["protocol"]["shots"], figures["protocol"]["queries"]) == (2, 3)
    assert len(figures["by_inner_step"]) == 2
    assert all(0 <= f["mean"] <= 1 for f in figures["by_inner_step"])


@pytest.mark.parametrize(
    ("way", "shots", "inner_lr", "inner_steps", "meta_batch"),
    [(5, 1, 0.4, 1, 32), (20, 5, 0.1, 5, 16)],
)
def test_the_papers_settings_are_the_defaults(way, shots, inner_lr, inner_steps, meta_batch):
    made = TrainConfig.make("omniglot", way=way, shots=shots)
    assert (made.learner.name, made.learner["first_order"]) == ("maml", False)
    assert (made.learner["inner_lr"], made.learner["inner_steps"]) == (inner_lr, inner_steps)
    assert (made.training.meta_batch, made.training.queries) == (meta_batch, shots)
    assert (made.training.steps, made.training.schedule) == (60_000, "constant")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--way 1", "way is 1; it must be an integer from 2 to 1,000"),
        ("--way 999", "way is 999; it must be at most"),
        ("--shots 19", r"shots \+ queries is 21; it must be at most 20"),
        (
            "--learner protonet --inner-lr 1",
            "inner_lr is 1.0; protonet, dense4 and omniglot tasks have no",
        ),
        ("--learner protonet --learned-rates", "learned_rates is True; protonet"),
        ("--inner-steps 0 --learned-rates", "inner_steps is 0; with learned_rates it must be 1"),
        (
            "--model conv4 --precision bfloat16",
            "precision is 'bfloat16'; it must be float32 for maml",
        ),
        (
            "--precision bfloat16",
            "precision is 'bfloat16'; maml, dense4 and omniglot tasks have no",
        ),
        ("--head-lr -1", "head_lr is -1.0; it must be a finite number above 0"),
        ("--validate-every 0", "validate_every is 0; it must be an integer from 1"),
        ("--protocol inductive", "invalid choice: 'inductive'"),
        ("--start nothing", "there is no checkpoint 'nothing'"),
        ("--meta-batch 100000", "it must be at most 100,000"),
        ("--start sine-maml", "start has nothing for "),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(stand_in, capsys, options, said):
    assert main([*TRAIN, *options.split()]) in (1, 2)
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("maml_edu: error: ")
    assert re.search(said, line)
    assert os.listdir() == []


def test_a_checkpoint_for_another_way_is_refused(tmp_path, whole):
    for name in ("checkpoint.json", "checkpoint.safetensors"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    metadata = json.loads((tmp_path / "checkpoint.json").read_text())
    metadata["config"]["tasks"]["way"] = 7
    (tmp_path / "checkpoint.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match=r"head\.\w+ has the shape .* instead of \(7"):
        load(tmp_path)


def test_the_loss_of_a_classifier_that_knows_nothing_is_log_way(drawings):
    made = config(way=5)
    learner, tasks = made.make_learner(), made.make_tasks("test", drawings)
    fresh = learner.init(generator=torch.Generator())
    theta = start_from(fresh, learner, seed=0).theta
    task = tasks.sample(1, shots=1, queries=2, generator=torch.Generator()).task(0)
    assert learner.loss_at(theta, *task.support).item() == pytest.approx(math.log(5), abs=1e-5)


# --- own drawings, patience


def test_own_drawings_are_on_record_as_what_they_are(whole):
    """And their tasks are not Omniglot's, when the checkpoint is asked for more of them."""
    made = load(whole)
    assert made.metadata["config"]["tasks"]["data"] == "own"
    with pytest.raises(ValueError, match="trained on drawings of your own: give them"):
        _ = made.tasks
    with pytest.raises(ValueError, match="trained on drawings of your own: give them"):
        measure(made.config, made.theta, Measurement(2))


def test_patience_ends_a_run_with_its_best(tmp_path, drawings):
    """Every look is worse than the first: the outer steps are far too long."""
    made = config(steps=40, meta_lr=30.0, schedule="constant", warmup=0.0)
    how = RunOptions(save_every=4, validate_every=2, n_tasks=4, patience=2)
    Run(made, tmp_path, how, source=drawings).train()
    validation = load(tmp_path).metadata["validation"]
    assert len(validation) < 20
    best = max(range(len(validation)), key=lambda i: validation[i]["accuracy"])
    assert len(validation) - 1 - best == 2
    with pytest.raises(ValueError, match="patience is 3; sine has no validation"):
        Run(TrainConfig.make("sine", steps=1), tmp_path / "sine", RunOptions(patience=3))
