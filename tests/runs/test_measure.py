"""Measuring: every option is honoured, or refused where the tasks or the learner have none."""

from __future__ import annotations

import pytest
import torch

from maml_edu.runs import checkpoint
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, measure
from maml_edu.tasks.data import Drawings

SINE = TrainConfig.make("sine", hidden=(8,))
FAMILIES = {
    "sine": SINE,
    "omniglot": TrainConfig.make("omniglot", model="dense4", hidden=(8,), data="stand-in"),
}


def figures(config: TrainConfig, source: Drawings, n_tasks: int = 3, **options) -> dict:
    theta = config.make_learner().init(generator=torch.Generator().manual_seed(0))
    theta = {name: p + 0.02 for name, p in theta.items()}  # off symmetric starts
    return measure(config, theta, Measurement(n_tasks, **options), source=source)


OTHER = {  # of every option, a value that is not usual
    "n_tasks": 4, "shots": 2, "queries": 7, "inner_steps": 2, "inner_lr": 0.09, "seed": 3,
    "way": 3, "split": "train", "protocol": "one-by-one", "upright": True,
}  # fmt: skip
NOT_OF_SINE = ("way", "split", "protocol", "upright")
TOLD_AS = {"n_tasks": "tasks", "protocol": "batch_norm", "upright": "rotations"}


@pytest.mark.parametrize("option", OTHER)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_option_is_honoured_and_told_or_refused(drawings, family, option):
    config, asked = FAMILIES[family], {option: OTHER[option]}
    if family == "sine" and option in NOT_OF_SINE:
        with pytest.raises(ValueError, match=f"{option} is {OTHER[option]!r}; sine has no"):
            figures(config, drawings, **asked)
        return
    usual, found = figures(config, drawings), figures(config, drawings, **asked)
    assert usual["by_inner_step"] != found["by_inner_step"]
    if option == "inner_steps":
        assert len(found["by_inner_step"]) == 3
    else:
        value = not OTHER[option] if option == "upright" else OTHER[option]
        assert found["protocol"][TOLD_AS.get(option, option)] == value


def test_the_usual_protocol_of_each_family(drawings):
    sine, omniglot = (figures(config, drawings)["protocol"] for config in FAMILIES.values())
    assert (sine["shots"], sine["queries"], sine["inner_lr"]) == (5, 100, 0.01)
    assert (omniglot["shots"], omniglot["queries"], omniglot["inner_lr"]) == (1, 15, 0.4)
    assert (omniglot["way"], omniglot["split"], omniglot["batch_norm"]) == (
        5,
        "test",
        "transductive",
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("n_tasks", 1, "from 2"),
        ("shots", 0, "from 1"),
        ("queries", 0, "from 1"),
        ("inner_steps", -1, "from 0"),
        ("inner_lr", 0.0, "above 0"),
        ("way", 1, "from 2"),
        ("split", "all", "one of train, validation, test"),
        ("protocol", "nonsense", "one of transductive, support-only, one-by-one"),
        ("upright", 1, "True or False"),
    ],
)
def test_a_value_out_of_bounds_names_itself(name, value, allowed):
    with pytest.raises(ValueError, match=f"{name} is {value!r}; it must be .*{allowed}"):
        Measurement(**{name: value})


@pytest.mark.parametrize(
    ("learner", "option", "value", "reason"),
    [
        ({"learner": "protonet"}, "inner_lr", 0.1, "protonet has no inner_lr"),
        ({"learner": "protonet"}, "inner_steps", 2, "protonet has no inner_steps"),
        ({"learned_rates": True}, "inner_lr", 0.1, "has learned its own rates"),
        ({"learner": "meta-sgd"}, "inner_lr", 0.1, "has learned its own rates"),
    ],
)
def test_what_a_learner_could_only_ignore_is_refused(drawings, learner, option, value, reason):
    config = TrainConfig.make("omniglot", model="dense4", hidden=(8,), **learner)
    with pytest.raises(ValueError, match=f"{option} is {value}; .*{reason}"):
        figures(config, drawings, **{option: value})


@pytest.mark.parametrize("learner", ["maml", "meta-sgd", "protomaml", "protonet", "matching"])
def test_other_ways_than_those_of_the_training(drawings, learner):
    config = TrainConfig.make("omniglot", model="dense4", hidden=(8,), learner=learner)
    found = figures(config, drawings, way=10)
    assert found["protocol"]["way"] == 10
    assert all(0 <= row["mean"] <= 1 for row in found["by_inner_step"])
    first = found["by_inner_step"][0]["mean"]
    if learner not in ("protomaml",):  # whose head begins at the prototypes
        assert first == pytest.approx(0.1, abs=1e-6)  # all ten classes alike: a tenth is right


def test_the_shipped_5_way_model_tells_10_characters_apart(drawings):
    made = checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")
    how = Measurement(2, way=10, queries=2, inner_steps=1)
    found = measure(made.config, made.theta, how, source=drawings)
    assert found["protocol"]["way"] == 10
    before, after = (row["mean"] for row in found["by_inner_step"])
    assert before < 0.3 < after  # from about a tenth
