"""One place holds the pins: pyproject, both conda environments and Binder follow it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from jupyterlab_server.settings_utils import get_settings
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

# Where conda-forge has another name for what PyPI has.
PYPI_NAMES = {"pytorch-cpu": "torch", "pytorch-gpu": "torch", "matplotlib-base": "matplotlib"}


@pytest.fixture(scope="module")
def pins(root) -> dict[str, Version]:
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    named = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in named}


@pytest.fixture(scope="module")
def project(root) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def environment(root) -> dict:
    return yaml.safe_load((root / "environment.yml").read_text("utf-8"))


def conda_releases(root) -> dict[str, str]:
    """The environment's packages, the commented line for CUDA included: name to release."""
    text = (root / "environment.yml").read_text("utf-8")
    lines = re.findall(r"^  (?:# )?- ([a-z][\w.-]*=\S+)$", text, re.M)
    specs = [re.fullmatch(r"([a-z0-9-]+)=(\d+(?:\.\d+)*)", line) for line in lines]
    assert all(specs), "each package is name=release, in digits"
    return dict(spec.groups() for spec in specs)


def direct_requirements(project: dict) -> list[Requirement]:
    table = project["project"]
    extras = table["optional-dependencies"].values()
    lines = [*table["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in lines]


def test_pins_are_plain(pins):
    """A local version such as 2.13.0+cpu exists on one index only."""
    assert len(pins) > 50
    assert [name for name, version in pins.items() if version.local] == []


def test_every_direct_requirement_is_pinned_within_its_bounds(project, pins):
    for requirement in direct_requirements(project):
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier, f"{requirement.name} has no lower bound"
        assert pin in requirement.specifier, f"{requirement} does not admit the pin {pin}"


def test_the_build_is_pinned(project):
    (build,) = map(Requirement, project["build-system"]["requires"])
    assert str(build.specifier).startswith("==")


def test_what_is_installed_is_what_is_pinned(project, pins):
    """Else the tests would speak of other versions than a reader gets."""
    elsewhere = {*project["project"]["optional-dependencies"]} - {"lab", "test"}
    others = {
        line for extra in elsewhere for line in project["project"]["optional-dependencies"][extra]
    }
    for requirement in direct_requirements(project):
        name = canonicalize_name(requirement.name)
        if str(requirement) not in {str(Requirement(line)) for line in others}:
            assert Version(metadata.version(name)).public == str(pins[name]), name


def test_every_pin_suits_the_oldest_python(project, pins):
    """Some releases want Python 3.11.5, which Debian 12 does not have."""
    oldest = project["project"]["requires-python"].removeprefix(">=") + ".0"
    checked = 0
    for package in metadata.distributions():
        if canonicalize_name(package.metadata["Name"]) in pins:
            wanted = package.metadata.get("Requires-Python") or ""
            assert oldest in SpecifierSet(wanted), f"{package.metadata['Name']}: {wanted}"
            checked += 1
    assert checked > 50


def test_conda_has_the_pinned_releases(root, pins):
    releases = conda_releases(root)
    for name, release in releases.items():
        if name == "python":
            continue
        wanted, pin = release.split("."), str(pins[PYPI_NAMES.get(name, name)]).split(".")
        assert wanted == pin[: len(wanted)], f"{name}: {release} is not the pin {pin}"
    assert {"pytorch-cpu", "pytorch-gpu"} <= set(releases), "one line for the CPU, one for CUDA"


def test_conda_has_every_package_that_the_lessons_need(project, environment):
    table = project["project"]
    needed = [*table["dependencies"], *table["optional-dependencies"]["lab"]]
    names = {re.split("[=<>]", line)[0] for line in environment["dependencies"]}
    names = {PYPI_NAMES.get(name, name) for name in names}
    assert {canonicalize_name(Requirement(line).name) for line in needed} <= names
    assert environment["channels"][0] == "conda-forge"
    assert "pytorch-gpu" not in str(environment), "the default is the CPU build"


def test_python_versions_agree(root, project, environment):
    lowest = project["project"]["requires-python"].removeprefix(">=")
    assert lowest == "3.11"
    assert project["tool"]["ruff"]["target-version"] == "py311"
    assert "(3, 11)" in (root / "Makefile").read_text("utf-8")
    workflow = yaml.safe_load((root / ".github/workflows/test.yml").read_text("utf-8"))
    assert lowest in workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    (python,) = [line for line in environment["dependencies"] if line.startswith("python=")]
    assert Version(python.removeprefix("python=")) >= Version(lowest)


def test_versions_of_the_package_agree(root):
    import maml_edu

    citation = yaml.safe_load((root / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == maml_edu.__version__


def test_binder_has_the_same_environment(root):
    ours, binders = root / "environment.yml", root / "binder" / "environment.yml"
    assert binders.read_text("utf-8") == ours.read_text("utf-8")
    assert not ours.is_symlink()
    assert not binders.is_symlink(), "repo2docker takes an old Python where a link leads nowhere"


def test_binder_would_build_it(root, environment):
    """What repo2docker plans: it stops at nothing, so that its plan is read here."""
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
    )
    plan = done.stdout + done.stderr
    (python,) = [line for line in environment["dependencies"] if line.startswith("python=")]
    assert done.returncode == 0, plan[-2000:]
    assert f"Building conda environment for {python}" in plan
    assert '--file "binder/environment.yml"' in plan
    assert "RUN ./binder/postBuild" in plan


@pytest.mark.parametrize("script", ["binder/postBuild", ".ci/run"])
def test_the_scripts_are_sound(root, script):
    path = root / script
    assert path.stat().st_mode & 0o111, f"{script} cannot be run"
    checked = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_binder_opens_the_first_lesson(root):
    readme = (root / "README.md").read_text("utf-8")
    (opened,) = set(re.findall(r"mybinder\.org/v2/gh/[\w/.-]+\?urlpath=lab/tree/(\S+?)\)", readme))
    assert (root / opened).exists()


@pytest.mark.parametrize(
    ("plugin", "setting", "value"),
    [
        ("@jupyter-widgets/jupyterlab-manager:plugin", "saveState", True),
        ("@jupyterlab/apputils-extension:notification", "fetchNews", "false"),
        ("@jupyterlab/apputils-extension:notification", "checkForUpdates", False),
    ],
)
def test_installing_the_course_sets_jupyterlabs_defaults(tmp_path, plugin, setting, value):
    """As JupyterLab's server tells them to the page; what a reader chose (`tmp_path`) wins."""
    lab, extensions = (Path(sys.prefix, "share/jupyter", name) for name in ("lab", "labextensions"))
    arguments = (str(lab / "settings"), str(lab / "schemas"), str(tmp_path), plugin)
    found, _ = get_settings(*arguments, labextensions_path=[str(extensions)])
    assert found["schema"]["properties"][setting]["default"] == value
    assert found["raw"] == "{}"


def test_no_environment_installs_what_only_authors_need(project, environment):
    """jupytext would put its own contents manager into a reader's JupyterLab."""
    table = project["project"]
    readers = [*table["dependencies"], *table["optional-dependencies"]["lab"]]
    names = {Requirement(line).name for line in readers}
    names |= {line.split("=")[0] for line in environment["dependencies"]}
    assert "jupytext" not in names
    assert "jupytext" in {Requirement(li).name for li in table["optional-dependencies"]["test"]}
