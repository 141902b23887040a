"""What `make bench` measures, it measures of contenders that agree. Nothing here is timed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import torch

from benchmarks import contenders, omniglot_quick, problems, race
from benchmarks.__main__ import PARTS, main
from benchmarks.bench_conv4 import operations
from benchmarks.family import with_training
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
        with_training(stage, steps=1, meta_batch=1, capture=False) for stage in course.stages
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
