"""Every control of every lesson's explorers, at both ends, alone and in pairs: always a picture.

The lessons' own cells make the explorers, so what is driven here is what a reader moves.
"""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from maml_edu import plots, widgets

LESSONS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
WITHOUT_CONTROLS = {"00_start_here"}


def run_lesson(path: Path) -> None:
    """Run a lesson's code cells in one shell, as its notebook would."""
    shell = InteractiveShell()
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            shell.run_cell("".join(cell["source"]), silent=True).raise_error()


def corners(explorer) -> list[dict]:
    """The ends of each control alone, and of each pair of controls; the rest as they began."""
    alone = [[{name: end} for end in explorer.ends[name]] for name in explorer.ends]
    pairs = [{**a, **b} for one, two in itertools.combinations(alone, 2) for a in one for b in two]
    return [*itertools.chain.from_iterable(alone), *pairs]


def has_a_picture(scene: dict) -> bool:
    """Strict JSON, and in the main panel, before adapting, more than the task's own marks."""
    json.dumps(scene, allow_nan=False)
    main = next(panel for panel in scene["panels"] if panel["place"] == "main")
    if main["x"] is None:  # drawings
        return all(mark["images"] for mark in main["marks"])
    drawn = [mark for mark in main["marks"] if mark["role"] not in ("truth", "support", "query")]
    at_first = [{**mark, **mark.get("frames", [{}])[0]} for mark in drawn]
    return any(y is not None for mark in at_first for y in np.ravel(mark.get("y", [])))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_end_is_a_picture(lesson, monkeypatch):
    made, explore = [], widgets.explore

    def remembered(compute, **controls):
        explorer = explore(compute, **controls)
        explorer.ends = {name: control.ends for name, control in controls.items()}
        made.append(explorer)
        return explorer

    monkeypatch.setattr(widgets, "explore", remembered)
    run_lesson(lesson)
    assert made or lesson.stem in WITHOUT_CONTROLS
    for explorer in made:
        began = dict(explorer.values)
        for corner in corners(explorer):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                explorer.set(**{**began, **corner})
                assert has_a_picture(explorer.scene), corner
                assert explorer.status == ""
                for step in (0, explorer.scene["frames"] - 1):
                    explorer.step = step
                    assert explorer.describe()
                if len(corner) == 1:
                    assert plots.png(plots.from_scene(explorer.scene, explorer.step))
