"""The checks that `make test` runs are able to fail."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

SLOWEST_CELL = 61  # seconds, in lesson 11, on two quiet cores
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=cwd, capture_output=True, text=True, timeout=600, env=env,
    )  # fmt: skip


def nbval_options(root: Path) -> list[str]:
    """The options that `make lessons` gives."""
    makefile = (root / "Makefile").read_text("utf-8").replace("\\\n", " ")
    options = re.findall(r"--nbval-\S+(?: \d+)?", makefile)
    return " ".join(options).split()


def test_lessons_run_under_the_right_options(root):
    options = " ".join(nbval_options(root))
    assert options.startswith("--nbval-lax --nbval-current-env --nbval-cell-timeout ")


def test_lessons_run_on_a_machine_ten_times_slower(root):
    options = nbval_options(root)
    seconds = {name: int(value) for name, value in zip(options[2::2], options[3::2], strict=True)}
    assert seconds["--nbval-cell-timeout"] >= 10 * SLOWEST_CELL
    assert seconds["--nbval-kernel-startup-timeout"] >= 10 * 60


def test_a_false_claim_in_a_lesson_fails(root, tmp_path):
    cells = [nbformat.v4.new_code_cell(source) for source in ("assert 1 + 1 == 2", "assert 1 > 2")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), tmp_path / "a.ipynb")
    done = run(
        "pytest", "-q", "-p", "no:cacheprovider", *nbval_options(root), "a.ipynb", cwd=tmp_path
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "a.ipynb::Cell 1" in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize("name", ["lesson.py", "README.md"])
def test_a_spelling_mistake_is_found(root, tmp_path, name):
    (tmp_path / name).write_text("# We recieve " + "a gradient\n", "utf-8")  # codespell:ignore
    config = tmp_path / "pyproject.toml"
    config.write_text((root / "pyproject.toml").read_text("utf-8"), "utf-8")
    done = run("codespell_lib", cwd=tmp_path)
    assert "==> receive" in done.stdout
    assert done.returncode != 0


def test_ruff_looks_into_the_lessons(root, tmp_path):
    config = tmp_path / "pyproject.toml"
    config.write_text((root / "pyproject.toml").read_text("utf-8"), "utf-8")
    cells = [nbformat.v4.new_code_cell("import os")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), tmp_path / "a.ipynb")
    done = run("ruff", "check", ".", cwd=tmp_path)
    assert "F401" in done.stdout
    assert done.returncode != 0


def test_the_hooks_of_pre_commit_need_nothing_but_the_venv(root):
    """`pre-commit` fetches nothing, and each hook runs a tool that `make lint` installs."""
    config = yaml.safe_load((root / ".pre-commit-config.yaml").read_text("utf-8"))
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert len(hooks) >= 3
    for hook in hooks:
        tool, *arguments = hook["entry"].split()
        assert hook["language"] == "system"
        assert tool.startswith(".venv/bin/"), hook["entry"]
        assert (Path(sys.prefix) / tool.removeprefix(".venv/")).exists(), hook["entry"]
        for script in arguments:
            assert not script.endswith(".py") or (root / script).exists(), hook["entry"]


def test_no_test_watches_a_stopwatch():
    """A slow machine fails no test: what is timed is in benchmarks/. `monotonic` is for waits."""
    timers = {"perf_counter", "perf_counter_ns", "process_time", "time"}
    found = [
        f"{path.name}:{node.lineno}: time.{node.attr}"
        for path in Path(__file__).parents[1].rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in timers
        if isinstance(node.value, ast.Name) and node.value.id == "time"
    ]
    assert found == []


def test_no_variable_of_the_makefile_is_set_twice(root):
    makefile = (root / "Makefile").read_text("utf-8")
    names = re.findall(r"^(\w+) (?:\?=|:=)", makefile, re.M)
    assert "LESSONS" in names
    assert sorted(names) == sorted(set(names))


def test_help_names_every_target(root):
    makefile = (root / "Makefile").read_text("utf-8")
    targets = set(re.search(r"\.PHONY: (.*)", makefile)[1].split())
    explained = set(re.findall(r"^([a-z]+):.*## ", makefile, re.M))
    assert explained == targets


@pytest.mark.parametrize("script", ["python3", "nothing"])
def test_an_old_or_missing_python_is_said_in_one_sentence(root, tmp_path, script):
    """`make lab` on a machine whose Pythons are all too old, or that has none."""
    old = tmp_path / script
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n', "utf-8")
    old.chmod(0o755)
    for tool in ("bash", "sh", "make"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    for file in ("constraints.txt", "pyproject.toml"):
        shutil.copy(root / file, tmp_path)
    done = subprocess.run(
        ["make", "-f", root / "Makefile", "VENV=venv", "lab"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode != 0
    sentence, *rest = done.stderr.splitlines()
    assert sentence.startswith("maml_edu needs Python 3.11 or newer")
    assert all(line.startswith("make: ***") for line in rest), done.stderr
    assert not (tmp_path / "venv").exists()
