"""One JupyterLab and one Chromium for all browser tests; each lesson is opened and run once."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright

from maml_edu.data import StandInWarning, load_drawings
from tests.browser.driver import Lesson
from tests.browser.lab import ROOT, Lab, copy_lessons

AT_ONCE = 3  # lessons
LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Whatever a page may ask for, nothing leaves this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


def find_chromium(playwright) -> str | None:
    """A Chromium of this machine: $CHROMIUM, the usual names, or playwright's own."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    return own if own and Path(own).exists() else None


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            reason = (
                "no Chromium found, so the browser tests did not run: install chromium or Google "
                "Chrome, or name one, as in CHROMIUM=/path/to/chromium make test"
            )
            if os.environ.get("MAML_EDU_REQUIRE_BROWSER"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        home = tmp_path_factory.mktemp("chromium")
        try:
            chromium = playwright.chromium.launch(
                executable_path=path, args=FLAGS, env={**os.environ, "HOME": str(home)}
            )
        except Error as error:
            pytest.fail(f"{path} did not start: {error}", pytrace=False)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory) -> Iterator[Lab]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StandInWarning)
        load_drawings()  # decoded beforehand: a progress bar would be one more widget
    with Lab(copy_lessons(tmp_path_factory.mktemp("lab"))) as lab:
        yield lab


@pytest.fixture(scope="session")
def context(browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


def asked_for(items: list[pytest.Item]) -> list[str]:
    """The lessons that these tests look at: under `-k 02` there is no need to run the others."""
    chosen = set()
    for item in items:
        if "lesson" in item.fixturenames:
            chosen.add(item.callspec.params["lesson"])
        elif "lessons" in item.fixturenames:
            return LESSONS
    return [name for name in LESSONS if name in chosen]


@pytest.fixture(scope="session")
def lessons(request, context, lab) -> Iterator[dict[str, Lesson]]:
    """All lessons, each in its tab, a few at a time: on a busy machine anywidget gives a widget up
    that took more than some seconds to start."""
    opened = {name: Lesson(context, lab, name) for name in asked_for(request.session.items)}
    if first := opened.get(LESSONS[0]):
        first.first_widget = first.run_until_first_widget()  # timed, so before the others start
    running: list[Lesson] = []
    for lesson in opened.values():
        while len(running) == AT_ONCE:
            running = [other for other in running if not other.has_run()]
        lesson.start_all()
        running.append(lesson)
    yield opened
    for lesson in opened.values():
        lesson.close()


@pytest.fixture(params=LESSONS)
def lesson(request, lessons) -> Lesson:
    """Each lesson in turn, opened and run as a reader would."""
    lessons[request.param].wait()
    return lessons[request.param]


@pytest.fixture
def quiet_lessons(lessons) -> dict[str, Lesson]:
    """All lessons by their number, when none is running any more: for what is timed."""
    for lesson in lessons.values():
        lesson.wait()
    return {name[:2]: lesson for name, lesson in lessons.items()}
