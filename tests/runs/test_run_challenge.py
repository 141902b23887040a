"""Runs for the Omniglot challenge: trained on some alphabets, measured on others at 20 ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maml_edu.foundation.checks import InputError
from maml_edu.runs import run as runs
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, measure
from maml_edu.runs.run import Run, RunOptions
from maml_edu.tasks import AlphabetTasks
from maml_edu.tasks.data import Drawings

SMALL = {"meta_batch": 1, "queries": 1, "steps": 2, "data": "stand-in", "capture": False}


@pytest.fixture(scope="module")
def alphabets(drawings) -> Drawings:
    """The made-up drawings as eight alphabets of 25."""
    names = tuple(f"{'ABCDEFGH'[i // 25]}/character{i % 25:02d}" for i in range(200))
    return replace(drawings, names=names)


def config(**options) -> TrainConfig:
    return TrainConfig.make("challenge", **{**SMALL, "learner": "protonet", "way": 30, **options})


def test_a_run_is_measured_at_20_ways_of_one_alphabet(tmp_path: Path, alphabets, monkeypatch):
    monkeypatch.setattr(runs, "VALIDATION_TASKS", 3)
    options = RunOptions(validate_every=1, n_tasks=3)
    made = Run(config(channels=4), tmp_path / "run", options, source=alphabets).train()
    told = made.metadata["figures"]["protocol"]
    assert (told["way"], told["queries"], told["split"]) == (20, 1, "test")
    assert told["characters"] == "of one alphabet"
    assert made.metadata["data"].endswith("200 characters, split by alphabets")
    assert [row["step"] for row in made.metadata["validation"]] == [1, 2]
    assert made.config.model.name == "grid4"


def test_its_training_tasks_are_warped_and_its_test_tasks_are_not(alphabets):
    train, test = (config().make_tasks(split, alphabets) for split in ("train", "test"))
    assert isinstance(train, AlphabetTasks)
    assert (train.way, train.warped, train.symmetries) == (30, True, True)
    assert (test.warped, test.symmetries) == (False, False)
    assert set(train.alphabets).isdisjoint(test.alphabets)


def test_every_learner_but_the_pretraining_can_train_for_it():
    assert "pretrain" not in TrainConfig.make("challenge").family.learners
    for learner in TrainConfig.make("challenge").family.learners:
        made = TrainConfig.make("challenge", learner=learner, data="stand-in")
        assert TrainConfig.from_json(made.as_json()) == made
    with pytest.raises(InputError, match="learner is 'pretrain'"):
        TrainConfig.make("challenge", learner="pretrain")


def test_its_tasks_are_upright_already(alphabets):
    theta = config().make_learner().init(generator=torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match="upright is True; challenge has no upright"):
        measure(config(), theta, Measurement(2, upright=True), source=alphabets)
