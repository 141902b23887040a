"""What `make bench` measures, it measures of contenders that agree. Nothing here is timed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from benchmarks import contenders, family, omniglot_quick, problems, race
from benchmarks.__main__ import PARTS, main
from benchmarks.bench_conv4 import operations
from benchmarks.family_grid import NAMES, RATES, SETTINGS, candidates, rates_to_try
from maml_edu.tasks import TaskBatch

SMALL = replace(problems.sine(1), sizes={"n_tasks": 3, "shots": 4, "queries": 5})


class Noise:
    """Pictures of nothing, in place of characters."""

    def sample(self, n_tasks: int, *, shots: int, queries: int, generator=None, device=None):
        def side(n: int) -> tuple[torch.Tensor, torch.Tensor]:
            x = torch.rand(n_tasks, n * problems.WAY, 1, 28, 28, generator=generator)
            return x, torch.arange(problems.WAY).repeat(n_tasks, n)

        return TaskBatch(*side(shots), *side(queries))


@pytest.fixture
def pictures(monkeypatch) -> problems.Problem:
    monkeypatch.setattr(problems, "drawings", lambda: None)
    monkeypatch.setattr("maml_edu.runs.config.TrainConfig.make_tasks", lambda *args: Noise())
    return replace(problems.omniglot(n_tasks=3), chunk_size=2)


def test_contenders_agree_on_sine_waves():
    makers = contenders.installed()
    makers.pop("maml_edu, compiled", None)  # a quarter of a minute; tests/runs/test_cli.py compiles
    assert len(race.contenders(SMALL, makers)) >= 3


def test_contenders_agree_on_characters(pictures):
    makers = contenders.installed()
    for slow in (
        "jax",
        "maml_edu",
        "maml_edu, compiled",
    ):  # slow to compile and to capture
        makers.pop(slow, None)
    assert len(race.contenders(pictures, makers)) >= 2


def test_contenders_agree_to_the_first_order():
    learner = replace(SMALL.learner, first_order=True)
    makers = contenders.installed(first_order=True)
    for slow in ("jax", "maml_edu, compiled"):
        makers.pop(slow, None)
    assert "torchopt" not in makers
    assert len(race.contenders(replace(SMALL, learner=learner), makers)) >= 3


def test_one_that_goes_elsewhere_is_found():
    def too_far(problem, theta, example):
        learner = replace(problem.learner, inner_lr=2 * problem.learner.inner_lr)
        return contenders.loop(replace(problem, learner=learner), theta, example)

    with pytest.raises(AssertionError):
        race.contenders(SMALL, {"loop": contenders.loop, "too far": too_far})


def test_a_peer_that_is_not_installed_is_left_out_and_said(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(contenders, "find_spec", lambda name: None)
    monkeypatch.setattr(contenders, "compiles", lambda: False)
    monkeypatch.setattr("benchmarks.bench_costs.run", lambda rounds: {"bars": []})
    assert list(contenders.installed()) == ["maml_edu", "maml_edu, eager", "loop"]
    main(["--only", "costs", "--out", str(tmp_path)])
    assert "Left out: higher, torchopt, jax (pip install" in capsys.readouterr().out
    versions = json.loads((tmp_path / "bench_costs.json").read_text())["versions"]
    assert "torch" in versions
    assert "jax" not in versions


@pytest.mark.slow
@pytest.mark.parametrize("minutes", omniglot_quick.COURSES)
def test_a_course_ends_with_figures_on_disk(minutes, monkeypatch, tmp_path):
    course = omniglot_quick.COURSES[minutes]
    short = tuple(
        replace(stage, training=replace(stage.training, steps=1, meta_batch=1, capture=False))
        for stage in course.stages
    )
    monkeypatch.setitem(omniglot_quick.COURSES, minutes, replace(course, stages=short, looks=1))
    monkeypatch.setattr(omniglot_quick, "VALIDATION_TASKS", 2)
    out = tmp_path / "figures.json"
    asked = ["omniglot_quick", "--minutes", str(minutes), "--data", "stand-in"]
    monkeypatch.setattr(sys, "argv", [*asked, "--tasks", "2", "--out", str(out)])
    threads = torch.get_num_threads()
    try:
        omniglot_quick.main()
    finally:
        torch.set_num_threads(threads)
    found = json.loads(out.read_text())
    assert [point["step"] for point in found["curve"]] == [1, 1]
    assert len(found["figures"]["by_inner_step"]) == 1 + omniglot_quick.INNER_STEPS


def test_exponents_are_those_of_a_power():
    sizes = [1, 2, 4, 8]
    assert race.exponent(sizes, [3 * n**1.5 for n in sizes]) == pytest.approx(1.5)
    assert race.exponent(sizes, [7.0] * 4) == pytest.approx(0)


def test_the_work_is_counted(pictures):
    """Of one picture, forward: 14, 7, 4 and 2 squared places, 9 products and sums each."""
    one = 2 * 9 * (14**2 * 64 + (7**2 + 4**2 + 2**2) * 64 * 64) + 2 * 64 * 5
    images = 3 * 2 * problems.WAY  # a support and a query set; forward and back are three times
    assert 3 * one * images < operations(pictures) < 9 * one * images


@pytest.mark.parametrize(("value", "at_most", "met"), [(2.0, False, True), (2.0, True, False)])
def test_bars_are_said_and_written_down(capsys, value, at_most, met):
    found = race.bar("speed", value, 1.5, at_most)
    assert found["met"] is met
    assert ("yes" if met else "NO") in capsys.readouterr().out


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "sine,cats"])
    assert f"--only has cats; there are {', '.join(PARTS)}" in capsys.readouterr().err


# The family ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("setting", SETTINGS)
def test_each_candidate_of_the_family_is_a_config(setting, name):
    its = SETTINGS[setting]
    for options in candidates(name, its):
        config = family.config_of(setting, name, options, seed=1, steps=2)
        assert config.training.schedule == "cosine"
        for rates in rates_to_try(name, its):
            tested = family.at_test(setting, name, options | rates)
            assert tested.tasks.options.get("way", 5) == 5
            assert tested.tasks.options.get("rotations", True)


def test_every_learner_has_as_many_candidates():
    for its in SETTINGS.values():
        assert {len(candidates(name, its)) for name in NAMES} <= {0, 3}
    assert {name for name, _ in RATES} == {"pretrain", "joint"}


def test_the_best_step_is_by_validation_and_the_first_of_equals():
    assert family.best_step("5-way 1-shot", torch.tensor([[0.2, 0.9, 0.9]])) == (
        pytest.approx(0.9),
        1,
    )
    assert family.best_step("sines", torch.tensor([[4.0, torch.nan, 0.5]]))[1] == 2


@pytest.fixture
def shrunk(monkeypatch):
    """The family's sines in no time."""
    monkeypatch.setattr(family, "TASKS", {"validation": (4, 1), "test": (5, 2)})
    monkeypatch.setattr(family, "TUNING", 0.01)
    monkeypatch.setattr(family, "PACED", 10)
    monkeypatch.setattr(
        family, "load_drawings", lambda data: SimpleNamespace(source="", omniglot=0)
    )


def test_the_family_goes_on_where_it_was(shrunk, monkeypatch, tmp_path):
    out = tmp_path / "family.json"
    asked = ["family", "--learners", "joint", "--settings", "sines", "--budgets", "0.01"]
    threads, rows = torch.get_num_threads(), []
    for seeds in ("1", "2"):
        monkeypatch.setattr(sys, "argv", [*asked, "--seeds", seeds, "--out", str(out)])
        try:
            family.main()
        finally:
            torch.set_num_threads(threads)
        rows.append(json.loads(out.read_text())["rows"])
    assert rows[1][0] == rows[0][0]  # kept, not measured again
    assert [row["seed"] for row in rows[1]] == [0, 1]
    table = json.loads(out.read_text())
    assert len(table["tuned"]) == 1
    chosen = table["tuned"][0]["candidates"][table["tuned"][0]["chosen"]]
    for row in rows[1]:
        assert row["inner_steps"] == chosen["inner_steps"]
        assert len(row["by_task"]) == 5
        before, after = (row["by_inner_step"][k]["mean"] for k in (0, row["inner_steps"]))
        assert row["gain"]["mean"] == pytest.approx(before - after, abs=1e-4)
