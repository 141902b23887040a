"""The table of how many tasks are enough: what differs between rows, and that it goes on."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from benchmarks import how_many_tasks as bench
from maml_edu.tasks import FiniteTasks
from maml_edu.tasks.data import Drawings

SMALL = {"steps": 2, "meta_batch": 2, "shots": 1, "queries": 5}


@pytest.fixture(scope="module")
def drawings() -> Drawings:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (120, 20, 28, 28), generator=generator, dtype=torch.uint8)
    return Drawings(images, tuple(f"A/character{i:03d}" for i in range(120)), "made up", False)


@pytest.fixture(autouse=True)
def short(monkeypatch, drawings):
    monkeypatch.setattr(bench, "TRAINING", SMALL)
    monkeypatch.setattr(bench, "SINE", {**SMALL, "shots": 5})
    monkeypatch.setattr(bench, "MEASURED", {**bench.MEASURED, "n_tasks": 4})
    monkeypatch.setattr(bench, "load_drawings", lambda source: drawings)
    monkeypatch.setattr(bench, "META_LR", (1e-3, 1e-2))


def test_no_row_is_there_twice():
    rows = list(bench.plans(0))
    assert len(set(rows)) == len(rows) > 30


def test_the_sources_differ_as_the_plans_say(drawings):
    few = bench.tasks_of(bench.Plan("omniglot", "maml", 10, hands=6), drawings, "dealt")
    assert len(few.characters) == 10
    assert bench.drawn(few).info["drawing"].max() == 5
    fixed = bench.tasks_of(bench.Plan("omniglot", "maml", 10), drawings, "fixed")
    assert torch.equal(fixed.characters, few.characters)  # the seed says which
    of = bench.drawn(fixed).info["character"]
    places = (of[..., None] == fixed.characters).long().argmax(-1)
    assert torch.equal(places % 5, torch.arange(5).expand_as(places))
    other = bench.tasks_of(bench.Plan("omniglot", "maml", 10, seed=1), drawings, "fixed")
    assert set(other.characters.tolist()) != set(fixed.characters.tolist())
    finite = bench.tasks_of(bench.Plan("omniglot", "maml", 10, tasks=3), drawings, "dealt")
    assert isinstance(finite, FiniteTasks)


def test_one_row_prefers_no_class_before_adapting(drawings):
    learner = bench.learner_of(bench.Plan("omniglot", "one-row maml", 10, "fixed"))
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    task = bench.unseen_tasks(drawings).task(0)
    start, after, *_ = learner.adapt(theta, task.support, inner_steps=1)
    logits = learner.predict(start, task.query_x, task.support_x)
    torch.testing.assert_close(logits, logits[:, :1].expand_as(logits))
    assert (after["head.weight"][1:] != after["head.weight"][:-1]).any()


CHOICE = [
    {"learner": name, "meta_lr": meta_lr, "accuracy": {"mean": mean}}
    for name in ("maml", "protonet", "one-row maml")
    for meta_lr, mean in ((1e-3, 0.5), (1e-2, 0.7 if name == "maml" else 0.4))
]


def test_the_step_size_is_the_best_on_validation_characters(drawings, monkeypatch):
    monkeypatch.setattr(bench, "trained", None)  # all are known, so nothing is trained
    assert bench.choose(drawings, CHOICE) == CHOICE
    assert bench.chosen(CHOICE, bench.Plan("omniglot", "maml", 10)) == 1e-2
    assert bench.chosen(CHOICE, bench.Plan("omniglot", "one-row maml", 10, "fixed")) == 1e-3


def test_a_table_that_was_stopped_goes_on(tmp_path, monkeypatch):
    wanted = [bench.Plan("sine", "maml", 2), bench.Plan("omniglot", "maml", 10, "fixed")]
    monkeypatch.setattr(bench, "plans", lambda seed: iter(wanted))
    out = tmp_path / "table.json"
    out.write_text(json.dumps({"choice": CHOICE}), "utf-8")
    monkeypatch.setattr(sys, "argv", ["bench", "--out", str(out), "--seeds", "1"])
    bench.main()
    first = json.loads(out.read_text("utf-8"))
    assert first["data"] == "stand-in, not Omniglot"
    assert [(row["characters"], row["meta_lr"]) for row in first["rows"]] == [(2, 5e-3), (10, 1e-2)]
    assert len(first["rows"][1]["home dealt"]) == 4
    assert len(first["rows"][1]["right"].split()) == 4
    out.write_text(json.dumps({**first, "rows": first["rows"][:1]}), "utf-8")
    bench.main()
    again = json.loads(out.read_text("utf-8"))["rows"]
    assert again[0] == first["rows"][0]
    assert again[1]["right"] == first["rows"][1]["right"]
