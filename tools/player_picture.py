#!/usr/bin/env python3
"""Take the README's picture, docs/player.png: the first player of lesson 00, in a real JupyterLab.

.venv/bin/python -m tools.player_picture [STEP]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, find_chromium
from tests.browser.driver import Lesson
from tests.browser.lab import ROOT, Lab, copy_lessons

PICTURE = ROOT / "docs" / "player.png"


def take(step: int) -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = find_chromium(playwright)
        if path is None:
            sys.exit("no Chromium found: install chromium or Google Chrome, or set CHROMIUM=/path")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1280, "height": 900}, device_scale_factor=1.5
        )
        with Lab(copy_lessons(Path(folder))) as lab:
            lesson = Lesson(context, lab, "00_start_here")
            lesson.run_until_first_widget()
            player = lesson.players()[0]
            slider = player.locator("input.maml-step")
            slider.focus()
            slider.press("Home")
            for _ in range(step):
                slider.press("ArrowRight")
            lesson.page.mouse.move(0, 0)
            lesson.page.wait_for_timeout(500)
            PICTURE.parent.mkdir(exist_ok=True)
            player.screenshot(path=PICTURE, animations="disabled")
        browser.close()
    print(f"wrote {PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1024} KB")


if __name__ == "__main__":
    take(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
