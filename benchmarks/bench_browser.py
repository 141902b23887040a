"""What a reader waits for in JupyterLab: the first widget, a step, a new picture.

python -m benchmarks --only browser        (two minutes; writes results/bench_browser.json)

Lessons 00 and 02 and the drawing pad, one after the other, in Chromium, by the tests' own driver.
Times are from the event to the frame that shows its effect.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.race import bar

MOVES = 60
BARS = {  # milliseconds
    "first widget": 5000,
    "scrubbing": 20,
    "dragging a point": 20,
    "recomputing": 80,
    "stroke to probabilities": 150,
}


def run(rounds: int) -> dict[str, Any]:
    if importlib.util.find_spec("playwright") is None:
        raise RuntimeError("playwright is missing: pip install '.[test]' has it")
    with chromium_and_lab() as (context, lab):
        times = measured(context, lab)
    rows = {what: {"median_ms": round(median(ms), 1), "n": len(ms)} for what, ms in times.items()}
    bars = [
        bar(f"ms, {what}", row["median_ms"], BARS[what], at_most=True) for what, row in rows.items()
    ]
    return {"rows": rows, "bars": bars}


@contextmanager
def chromium_and_lab() -> Iterator[tuple]:
    """A Chromium and a JupyterLab on copies of the lessons."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import FLAGS, find_chromium
    from tests.browser.lab import Lab, copy_lessons

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = find_chromium(playwright)
        if path is None:
            raise RuntimeError("no Chromium found: install chromium or Google Chrome")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        with Lab(copy_lessons(Path(folder))) as lab:
            yield browser.new_context(viewport={"width": 1280, "height": 900}), lab
        browser.close()


def measured(context: Any, lab: Any) -> dict[str, list[float]]:
    """Milliseconds of each wait, by what is waited for."""
    from tests.browser.driver import SCENE_DRAWN, STEP_DRAWN, Lesson, there_and_back
    from tests.browser.test_by_hand import Hand, time_drags
    from tests.browser.test_draw import open_pad, time_strokes

    first = Lesson(context, lab, "00_start_here")
    shown, _ = first.run_until_first_widget()
    dragged = time_drags(Hand(first), MOVES)
    slider = first.players()[0].locator("input.maml-step")
    slider.press("Home")
    keys = there_and_back(slider, MOVES)
    scrubbed = first.latencies(slider, keys, "keydown", STEP_DRAWN)
    first.close()

    inner_loop = Lesson(context, lab, "02_the_inner_loop")
    inner_loop.start_all()
    inner_loop.wait()
    control = inner_loop.player_with("inner_lr").locator("[data-name=inner_lr]").first
    keys = ["ArrowRight"] * (MOVES // 4) + ["ArrowLeft"] * (MOVES // 4)
    recomputed = inner_loop.latencies(control, keys, "input", SCENE_DRAWN)
    inner_loop.close()

    pad = open_pad(context, lab)
    strokes = time_strokes(pad, pad.page.locator(".maml-draw"))
    pad.close()
    times = [1000 * shown], scrubbed, dragged, recomputed, strokes
    return dict(zip(BARS, times, strict=True))
