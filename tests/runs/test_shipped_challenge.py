"""The challenge network that comes with the package, against its metadata and its record."""

from __future__ import annotations

import json
import os

import pytest

from benchmarks.challenge import REPORTED, by_learner, by_views, error
from maml_edu.learners import ProtoNet
from maml_edu.runs.checkpoint import SHIPPED, load
from maml_edu.tasks import AlphabetTasks
from maml_edu.tasks.challenge import lake_tasks
from maml_edu.tasks.data import load_drawings

NAME = "challenge-protonet-grid4-60way-1shot"


@pytest.fixture(scope="module")
def made():
    return load(NAME)


@pytest.fixture(scope="module")
def record(root) -> dict:
    return json.loads((root / "results" / "challenge.json").read_text("utf-8"))


def test_it_is_what_its_name_says(made):
    assert isinstance(made.learner, ProtoNet)
    assert (made.config.tasks.name, made.config.model.name) == ("challenge", "grid4")
    assert (made.config.tasks["way"], made.config.training.shots) == (60, 1)
    assert (SHIPPED / f"{NAME}.safetensors").stat().st_size <= 1_000_000
    assert made.metadata["data"] == "Omniglot, 1623 characters, split by alphabets"
    figures = made.metadata["figures"]["protocol"]
    assert (figures["split"], figures["way"], figures["tasks"]) == ("test", 20, 1000)


def test_its_row_is_in_the_record_beside_the_papers(made, record):
    rows = [row for row in record["rows"] if row["commands"] == [made.metadata["command"]]]
    assert len(rows) == 3  # support-only, transductive, several views
    assert [row["error"] for row in record["reported"]] == [one[1] for one in REPORTED]


@pytest.mark.skipif(
    "MAML_EDU_DATA" not in os.environ,
    reason="needs Omniglot: name the folder of its two zips in MAML_EDU_DATA",
)
def test_its_error_in_lakes_runs_comes_out_again(made, record):
    drawings = load_drawings(progress=False)
    batch = lake_tasks(drawings)
    now = {
        "support-only": error(by_learner(made, "support-only"), batch, drawings),
        "views": error(by_views(made), batch, drawings),
        "1 view": error(by_views(made, views=1), batch, drawings),
    }
    assert now["1 view"] == now["support-only"]
    rows = {row["name"]: row for row in record["rows"]}
    mine = [name for name in rows if rows[name]["commands"] == [made.metadata["command"]]]
    for what in ("support-only", "views"):
        [name] = [name for name in mine if name.endswith(what)]
        assert rows[name]["lake"]["error"] == pytest.approx(now[what]["error"], abs=0.006)


def test_it_answers_the_same_whatever_queries_stand_beside(made):
    """Support-only: a query's answer does not depend on the others, as for people."""
    drawings = load_drawings("stand-in", progress=False)
    task = AlphabetTasks("validation", 20, source=drawings).sample(1).task(0)
    logits = by_learner(made, "support-only")
    alone = logits(task._replace(query_x=task.query_x[3:4], query_y=task.query_y[3:4]))
    assert alone.argmax(1) == logits(task)[3].argmax()
    assert (alone[0] - logits(task)[3]).abs().max() < 1e-2 * logits(task).abs().max()
