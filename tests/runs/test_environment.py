"""The environment's report: what it shows, and what it says when something is amiss."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import pytest

from maml_edu.runs import environment
from maml_edu.runs.environment import Report


def test_this_environment_is_sound():
    report = environment.report()
    assert report
    assert report.problems == ()
    assert platform.python_version() in str(report)
    assert f"torch {version('torch')}" in str(report)


def test_a_missing_package_is_named_with_what_to_do():
    def installed(name):
        if name == "anywidget":
            raise PackageNotFoundError(name)
        return version(name)

    assert list(environment.problems(installed)) == [
        f"anywidget is not installed: {environment.REMEDY}."
    ]


def test_a_package_too_old_is_named_with_both_versions():
    def installed(name):
        return "2.0.9" if name == "torch" else version(name)

    (sentence,) = environment.problems(installed)
    assert sentence.startswith("torch is 2.0.9, and torch>=")


@pytest.mark.parametrize(
    ("found", "meets"),
    [("2.6", True), ("2.6.0+cpu", True), ("2.13.0+cpu", True), ("2.5.9", False), ("1.13", False)],
)
def test_versions_are_compared_as_numbers(found, meets):
    problems = environment.problems(lambda name: found if name == "torch" else version(name))
    assert (list(problems) == []) is meets


def test_problems_make_the_report_false_and_are_shown_escaped():
    report = Report({"Python": "<3>"}, ("a < b is wrong: do this.",))
    assert not report
    assert "a &lt; b is wrong: do this." in report._repr_html_()
    assert "&lt;3&gt;" in report._repr_html_()
    assert "✗ a < b is wrong: do this." in str(report)


def test_a_checkpoint_is_told_from_its_metadata():
    from maml_edu.runs import checkpoint

    start = checkpoint.load("sine-maml")
    text = str(environment.report(start))
    assert f"{start.config.training.steps:,} meta-steps" in text
    after_one = start.metadata["figures"]["by_inner_step"][1]
    assert f"{after_one['mean']:.2f} ± {after_one['half_width']:.2f}" in text
