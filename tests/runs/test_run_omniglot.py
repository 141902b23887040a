"""Runs on Omniglot's kind of tasks: what is validated and kept, resumed, started from another."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from maml_edu.runs.train import STATE_FILE, RunError, Stopped, run_training, start_from

from maml_edu.outer import Diverged, meta_train
from maml_edu.runs import train
from maml_edu.runs.checkpoint import load, load_state
from maml_edu.runs.cli import main
from maml_edu.runs.config import TrainConfig, omniglot_config
from maml_edu.runs.measure import measure
from maml_edu.tasks.data import Drawings

SMALL = {"model": "dense4", "meta_batch": 2, "queries": 2, "data": "stand-in"}


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    """200 characters that a network can tell apart: each a picture of noise, faint or strong."""
    generator = torch.Generator().manual_seed(0)
    characters = torch.rand(200, 1, 28, 28, generator=generator)
    hands = torch.rand(200, 20, 28, 28, generator=generator)
    images = (255 * (0.7 * characters + 0.3 * hands)).to(torch.uint8)
    return Drawings(images, tuple(f"A/character{i:03d}" for i in range(200)), "made up", False)


@pytest.fixture(scope="module", autouse=True)
def _few_validation_tasks():
    before, train._Validation.n_tasks = train._Validation.n_tasks, 4
    yield
    train._Validation.n_tasks = before


def recipe(**options) -> TrainConfig:
    """Eager: recording the meta-gradient would take longer than these few steps."""
    made = omniglot_config(**{"steps": 8, **SMALL, **options})
    return replace(made, training={**made.training, "replay": False})


def run(out: Path, drawings: Drawings, made: TrainConfig | None = None, **options):
    options = {"n_tasks": 4, "save_every": 2, "validate_every": 4, **options}
    return run_training(made or recipe(), out, source=drawings, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, drawings) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    run(out, drawings)
    return out


def bits(out: Path) -> list[bytes]:
    return [(out / f"{name}.safetensors").read_bytes() for name in ("best", "last", "checkpoint")]


def test_a_run_keeps_the_best_and_the_last(whole, drawings):
    record = load(whole).record
    steps = [row["step"] for row in record["validation"]]
    assert steps == [4, 8]
    assert load(whole / "last").record["meta_loss"] == record["meta_loss"]
    best = max(record["validation"], key=lambda row: row["accuracy"])
    figures = load(whole / "best").record["figures"]
    assert figures["protocol"]["split"] == "validation"
    assert figures["by_inner_step"][-1]["mean"] == best["accuracy"]
    again = measure(
        load(whole).recipe,
        load(whole / "best").theta,
        n_tasks=4,
        split="validation",
        source=drawings,
    )
    assert again["by_inner_step"][-1]["mean"] == pytest.approx(best["accuracy"], abs=1e-6)
    assert record["figures"]["protocol"]["split"] == "test"
    assert (
        record["data"]
        == "stand-in, not Omniglot, 200 characters, split by the SHA-256 of their names"
    )


def test_the_last_is_what_meta_train_gives(whole, drawings):
    made = recipe()
    learner, tasks = made.make_learner(), made.make_tasks("train", drawings)
    *_, last = meta_train(learner, tasks, **made.training)
    kept = load(whole / "last").theta
    assert all(torch.equal(kept[name], p) for name, p in last.theta.items())


@pytest.mark.parametrize("stop_at", [2, 4, 6])
def test_a_stopped_run_resumes_bit_for_bit(tmp_path, monkeypatch, drawings, whole, stop_at):
    real = train.save_state

    def save_and_stop(path, state, *rest):
        real(path, state, *rest)
        if state.step == stop_at:
            os.kill(os.getpid(), 2)

    monkeypatch.setattr(train, "save_state", save_and_stop)
    with pytest.raises(Stopped, match=f"step {stop_at} of 8"):
        run(tmp_path, drawings)
    monkeypatch.undo()
    run(tmp_path, drawings, resume=True)
    assert bits(tmp_path) == bits(whole)
    accuracies = [
        [(row["step"], row["accuracy"]) for row in load(out).record["validation"]]
        for out in (tmp_path, whole)
    ]
    assert accuracies[0] == accuracies[1]


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(
    tmp_path, monkeypatch, drawings
):
    def going_wrong(*args, **options):
        for state in meta_train(*args, **options):
            if state.step == 6:
                raise Diverged("the meta-loss is nan over steps 4 to 6")
            yield state

    monkeypatch.setattr(train, "meta_train", going_wrong)
    with pytest.raises(Diverged, match="nan over steps 4 to 6"):
        run(tmp_path, drawings)
    assert load_state(tmp_path / STATE_FILE)[0].step == 4
    assert not (tmp_path / "checkpoint.json").exists()
    assert load(tmp_path / "best").record["validation"][0]["step"] == 4


def test_training_that_explodes_says_so(tmp_path, drawings):
    wild = recipe(meta_lr=1e30)
    with pytest.raises(Diverged, match="try a smaller"):
        run(tmp_path, drawings, wild)
    assert load_state(tmp_path / STATE_FILE)[0].step == 0


# --- starting from another model


def test_a_start_takes_over_what_fits_and_treats_all_classes_alike(drawings):
    features = recipe(way=8, learner="protonet").make_learner()
    theta = features.init(generator=torch.Generator().manual_seed(3))
    learner = recipe(way=7, learned_rates=True).make_learner()
    begun = start_from(theta, learner, seed=0)
    assert {name: tuple(p.shape) for name, p in begun.theta.items()} == learner.shapes()
    assert all(torch.equal(begun.theta[n], theta[n]) for n in theta if n != "log_scale")
    head = begun.theta["head.weight"]
    assert torch.equal(head, head[:1].expand_as(head))
    wider = start_from(begun.theta, recipe(way=9).make_learner(), seed=0).theta["head.weight"]
    torch.testing.assert_close(wider, head[:1].expand(9, -1))


def test_a_run_from_another_tells_of_it_and_resumes(tmp_path, drawings, whole):
    start = load(whole)
    made = recipe(way=6, start=start.record["sha256"])
    run(tmp_path / "a", drawings, made, start=start)
    record = load(tmp_path / "a").record
    assert record["started_from"]["config"] == start.record["config"]
    assert record["config"]["training"]["start"] == start.record["sha256"]
    with pytest.raises(RunError, match="another run, which this cannot go on from: "):
        run(tmp_path / "a", drawings, recipe(way=6), resume=True)


# --- the command line


@pytest.fixture
def stand_in(monkeypatch, drawings, tmp_path):
    """The command line finds the made-up drawings, in an empty folder of its own."""
    monkeypatch.setattr("maml_edu.tasks.data.load_drawings", lambda source="auto", **_: drawings)
    monkeypatch.setattr("maml_edu.tasks.omniglot.load_drawings", lambda source, **_: drawings)
    monkeypatch.chdir(tmp_path)


TRAIN = [
    "train",
    "omniglot",
    "--model",
    "dense4",
    "--meta-batch",
    "2",
    "--queries",
    "2",
    "--steps",
    "20",
    "--tasks",
    "4",
]


def test_options_reach_the_run_and_its_evaluation(stand_in, capsys):
    options = "--way 4 --shot 2 --inner-lr 0.2 --head-lr 0.5 --inner-steps 2 --meta-lr 0.002"
    flags = "--learned-rates --per-step-losses --first-order --protocol support-only --seed 4"
    more = "--schedule cosine --warmup 0.1 --chunk-size 2 --steps 4 --out a"
    assert main([*TRAIN, *f"{options} {flags} {more}".split()]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("maml_edu: made up")
    assert "4-way 2-shot accuracy on 4 tasks of test characters, 15 queries" in printed.out
    assert "stand-in, not Omniglot" in printed.out
    config = load("a").record["config"]
    assert config["learner"] == {
        "name": "maml",
        "inner_lr": 0.2,
        "inner_steps": 2,
        "first_order": True,
        "head_lr": 0.5,
        "learned_rates": True,
        "per_step_losses": True,
        "protocol": "support-only",
    }
    assert config["tasks"] == {"name": "omniglot", "way": 4, "rotations": True, "data": "stand-in"}
    training = config["training"]
    assert (training["schedule"], training["warmup"], training["chunk_size"]) == ("cosine", 0.1, 2)
    assert load("a").record["figures"]["protocol"]["rotations"] is True  # as in the authors' code
    command = "evaluate a --tasks 6 --inner-steps 1 --protocol one-by-one --queries 3 --json"
    command += " --upright"
    assert main(command.split()) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["protocol"]["batch_norm"] == "one-by-one"
    assert figures["protocol"]["rotations"] is False
    assert (figures["protocol"]["shots"], figures["protocol"]["queries"]) == (2, 3)
    assert len(figures["by_inner_step"]) == 2
    assert all(0 <= f["mean"] <= 1 for f in figures["by_inner_step"])


def test_the_papers_settings_are_the_defaults():
    five, twenty = omniglot_config(5, 1), omniglot_config(20, 5)
    assert five.learner == {
        "name": "maml",
        "inner_lr": 0.4,
        "inner_steps": 1,
        "first_order": False,
    }
    assert (twenty.learner["inner_lr"], twenty.learner["inner_steps"]) == (0.1, 5)
    assert (five.training["meta_batch"], twenty.training["meta_batch"]) == (32, 16)
    assert (five.training["queries"], twenty.training["queries"]) == (1, 5)
    assert five.training["steps"] == twenty.training["steps"] == 60_000
    assert five.training["schedule"] == "constant"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--way 1", "a number at 'way'|way is 1; it must be an integer from 2 to 1,000"),
        ("--way 999", "way is 999; it must be at most"),
        ("--shot 19", "shots + queries is 21; it must be at most 20"),
        ("--learner protonet --inner-lr 1", "protonet has no inner_lr"),
        ("--learner protonet --learned-rates", "protonet has no learned_rates"),
        ("--inner-steps 0 --learned-rates", "inner_steps is 0; with learned_rates it must be 1"),
        (
            "--model conv4 --precision bfloat16",
            "precision is 'bfloat16'; it must be float32 for maml",
        ),
        ("--model dense4 --precision bfloat16", "precision is 'bfloat16'; it must be float32"),
        ("--head-lr -1", "head_lr is -1.0; it must be a finite number above 0"),
        ("--validate-every 0", "validate_every is 0; it must be a whole number, 1 or more"),
        ("--protocol inductive", "invalid choice: 'inductive'"),
        ("--start nothing", "there is no checkpoint 'nothing'"),
        ("--meta-batch 100000", "it must be at most 100,000"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(stand_in, capsys, options, said):
    assert main([*TRAIN, *options.split()]) in (1, 2)
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("maml_edu: error: ")
    assert any(words in line for words in said.split("|"))
    assert os.listdir() == []


def test_a_checkpoint_of_sine_waves_has_no_protocol(capsys):
    assert main(["evaluate", "sine-maml", "--protocol", "support-only"]) == 2
    assert "--protocol: only for Omniglot; sine-maml is for sine waves" in capsys.readouterr().err


def test_a_checkpoint_for_another_way_is_refused(tmp_path, whole):
    for name in ("checkpoint.json", "checkpoint.safetensors"):
        (tmp_path / name).write_bytes((whole / name).read_bytes())
    record = json.loads((tmp_path / "checkpoint.json").read_text())
    record["config"]["model"]["way"] = record["config"]["tasks"]["way"] = 7
    (tmp_path / "checkpoint.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"head\.\w+ has the shape .* instead of \(7"):
        load(tmp_path)
    record["config"]["tasks"]["way"] = 5
    (tmp_path / "checkpoint.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="model's way is 7; it must be 5, the tasks' way"):
        load(tmp_path)


def test_the_loss_of_a_classifier_that_knows_nothing_is_log_way(drawings):
    made = recipe(way=5)
    learner, tasks = made.make_learner(), made.make_tasks("test", drawings)
    theta = start_from({}, learner, seed=0).theta
    task = tasks.sample(1, shots=1, queries=2, generator=torch.Generator()).task(0)
    assert learner.loss_at(theta, *task.support).item() == pytest.approx(math.log(5), abs=1e-5)
