"""The Omniglot models that come with the package, against their metadata and the table."""

from __future__ import annotations

import json
import math
import os
import shlex
from pathlib import Path

import pytest

from maml_edu.learners import MAML
from maml_edu.runs.checkpoint import SHIPPED, load, shipped
from maml_edu.runs.cli import parser
from maml_edu.runs.cli.flags import given
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import Measurement, measure

CONV = [f"omniglot-anil-maml-conv4-{way}way-{shot}shot" for way in (5, 20) for shot in (1, 5)]
NAMES = [*CONV, *(f"omniglot-protonet-maml-dense4-5way-{shot}shot" for shot in (1, 5))]


@pytest.fixture(scope="module")
def rows(root) -> list[dict]:
    return json.loads((root / "results" / "omniglot.json").read_text())["rows"]


def learners_of(metadata: dict) -> set[str]:
    """Every method that trained this theta, from its first start on."""
    before = metadata.get("started_from")
    return {metadata["config"]["learner"]["name"]} | (learners_of(before) if before else set())


@pytest.mark.parametrize("name", NAMES)
def test_each_is_what_its_name_says(name):
    assert name in shipped()
    _, *methods, model, way, shot = name.split("-")
    made = load(name)
    assert isinstance(made.learner, MAML)
    assert set(methods) == learners_of(made.metadata)
    assert (made.config.model.name, made.config.tasks["way"]) == (
        model,
        int(way.removesuffix("way")),
    )
    assert made.config.training.shots == int(shot.removesuffix("shot"))
    assert Path(SHIPPED / f"{name}.safetensors").stat().st_size <= 1_000_000
    assert made.metadata["data"].startswith("Omniglot, 1623 characters")
    assert made.metadata["command"].startswith("python -m maml_edu train omniglot ")
    assert made.metadata["figures"]["protocol"]["tasks"] >= 1000
    assert made.metadata["figures"]["protocol"]["batch_norm"] == "transductive"


@pytest.mark.parametrize("name", shipped())
def test_the_commands_in_the_metadata_give_its_configs(name):
    """Its own command, and those of the runs that it was started from."""
    told = load(name).metadata
    while told:
        config = TrainConfig.from_json(told["config"])
        _, _, _, *argv = shlex.split(told["command"])  # python -m maml_edu
        parts = [part for part in config.as_json().values() if isinstance(part, dict)]
        options = {option for part in parts for option in part if option != "name"}
        names = {*options, "learner", "model"} - {"data"}  # --data says where it lies
        asked = given(parser(argv).parse_args(argv), names)
        assert TrainConfig.make(config.tasks.name, **asked, start=config.start) == config
        told = told.get("started_from")


@pytest.mark.parametrize("name", NAMES)
def test_the_table_has_each_under_every_protocol(name, rows):
    made = load(name)
    found = {r["protocol"]: r for r in rows if r["sha256"] == made.metadata["sha256"]}
    own, others = "authors' queries", {"transductive", "support-only", "transductive, upright"}
    assert set(found) == {own, *others}
    asked = {p: r["figures"]["protocol"]["queries"] for p, r in found.items()}
    usual = 5 if made.config.tasks["way"] > 10 else 15
    shots = made.config.training.shots
    assert asked == {own: shots} | dict.fromkeys(others, usual)
    for r in found.values():
        assert r["tasks"] >= 1000
        assert r["command"] == made.metadata["command"]
        last = r["figures"]["by_inner_step"][3]
        assert (r["accuracy"], r["half_width"]) == (last["mean"], last["half_width"])
    told = made.metadata["figures"]["by_inner_step"][3]["mean"]
    assert found["transductive"]["accuracy"] == pytest.approx(told, abs=2e-4)


@pytest.mark.skipif(
    "MAML_EDU_DATA" not in os.environ,
    reason="needs Omniglot: name the folder of its two zips in MAML_EDU_DATA",
)
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_figures_come_out_again(name):
    """On other tasks than the metadata's, so within both intervals; they are of 95% each."""
    made = load(name)
    n_tasks = 100 if made.config.tasks["way"] == 5 else 12
    figures = measure(made.config, made.theta, Measurement(n_tasks, queries=5, seed=77))
    now, was = figures["by_inner_step"][3], made.metadata["figures"]["by_inner_step"][3]
    # 2.5 intervals are 4.9 standard errors; few tasks without a mistake leave an interval near 0
    allowed = 2.5 * math.hypot(now["half_width"], was["half_width"]) + 0.005
    assert abs(now["mean"] - was["mean"]) < allowed
