"""What the lessons run on, in one table; and if something is amiss, a sentence on what to do."""

import html
import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

import torch
from packaging.requirements import Requirement

from maml_edu.runs.checkpoint import Checkpoint

SHOWN = ("torch", "numpy", "matplotlib", "anywidget")
REMEDY = "stop JupyterLab and start it again with `make lab`, which installs what is missing"


@dataclass(frozen=True)
class Report:
    """What there is (label -> words), and what is wrong (sentences; none if all is well)."""

    rows: dict[str, str]
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.problems

    @property
    def verdict(self) -> str:
        return f"✗ {' '.join(self.problems)}" if self.problems else "✓ Everything is in place."

    def __str__(self) -> str:
        width = max(map(len, self.rows))
        lines = [f"{label:<{width}}  {words}" for label, words in self.rows.items()]
        return "\n".join([*lines, self.verdict])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align: left">{html.escape(label)}</th>'
            f'<td style="text-align: left">{html.escape(words)}</td></tr>'
            for label, words in self.rows.items()
        )
        return (
            f"<table><caption>What this lesson runs on</caption>{rows}</table>"
            f"<p role='status'><strong>{html.escape(self.verdict)}</strong></p>"
        )


def report(checkpoint: Checkpoint | None = None) -> Report:
    """Machine and versions; with a checkpoint, also how it was trained and how good it is."""
    there = [f"{name} {version(name)}" for name in SHOWN if find_spec(name)]
    rows = {
        "Python": platform.python_version(),
        "Packages": ", ".join(there),
        "Device": _device(),
        "Data": "sine waves, drawn as you go; nothing is downloaded",
    }
    return Report(rows | (_told_by(checkpoint) if checkpoint else {}), tuple(problems()))


def problems(installed: Callable[[str], str] = version) -> Iterable[str]:
    """A sentence for each requirement of the package that is not met: what, and what to do.

    installed: name -> version, or PackageNotFoundError.
    """
    try:
        needed = requires("maml_edu") or []
    except PackageNotFoundError:
        yield f"maml_edu itself is not installed: {REMEDY}."
        return
    for requirement in map(Requirement, needed):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = installed(requirement.name)
            if not requirement.specifier.contains(found, prereleases=True):
                yield f"{requirement.name} is {found}, and {requirement} is needed: {REMEDY}."
        except PackageNotFoundError:
            yield f"{requirement.name} is not installed: {REMEDY}."


def _device() -> str:
    threads = torch.get_num_threads()
    cpu = f"CPU, {os.cpu_count()} cores, {threads} thread{'s' if threads > 1 else ''} in use"
    if not torch.cuda.is_available():
        return f"{cpu}; no GPU is found, and none is needed"
    return f"{cpu}; the GPU {torch.cuda.get_device_name()} is there, and is not needed"


def _told_by(checkpoint: Checkpoint) -> dict[str, str]:
    """Training and measured error, as the metadata of a checkpoint on sine waves tells."""
    training, figures = checkpoint.config.training, checkpoint.metadata["figures"]
    protocol, rows = figures["protocol"], dict(enumerate(figures["by_inner_step"]))
    errors = {step: tuple(rows[step].values()) for step in (0, 1, 5, 10) if step in rows}
    words = ["not finite" if None in e else "{:.2f} ± {:.2f}".format(*e) for e in errors.values()]
    return {
        "Network": f"{type(checkpoint.learner).__name__}, trained for {training.steps:,} "
        f"meta-steps of {training.meta_batch} waves, {checkpoint.metadata['seconds']:.0f} seconds",
        "Its error": f"{'; '.join(words)} after {', '.join(map(str, errors))} inner steps (mean "
        f"squared error on {protocol['tasks']:,} new waves, {protocol['shots']} points each, with "
        "95% intervals)",
    }
