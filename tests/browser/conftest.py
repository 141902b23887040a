"""One JupyterLab and one Chromium for all browser tests; each lesson is opened and run once."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, expect, sync_playwright

from maml_edu.tasks.data import StandInWarning, load_drawings
from tests.browser.driver import LOOKS_AT_A_PAGE, Lesson
from tests.browser.lab import ROOT, Lab, copy_lessons

AT_ONCE = 3  # lessons at work, while a fourth is looked at
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

# anywidget gives a widget up that took more than 2 seconds to load, as some do on a busy machine.
PATIENT = """const inTime = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = ms => inTime(300 * ms);"""

expect.set_options(timeout=1000 * LOOKS_AT_A_PAGE)


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
                executable_path=path,
                args=FLAGS,
                env={**os.environ, "HOME": str(home)},
                timeout=1000 * LOOKS_AT_A_PAGE,
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
    context.add_init_script(PATIENT)
    yield context
    context.close()


def asked_for(items: list[pytest.Item]) -> list[str]:
    """The lessons that these tests look at: under `-k 02` there is no need to run the others."""
    chosen = set()
    for item in items:
        if "lessons" in item.fixturenames:
            if "lesson" not in item.fixturenames:
                return LESSONS
            chosen.add(item.callspec.params["lesson"])
    return [name for name in LESSONS if name in chosen]


class Course(Mapping[str, Lesson]):
    """The lessons by name, each opened in its tab and run once, in order and a few at a time. One
    that is looked up has run; while it is looked at, the next ones are running. What goes wrong in
    a lesson is raised where that lesson is looked up, and nowhere else."""

    def __init__(self, names: list[str], open_lesson: Callable[[str], Lesson]) -> None:
        self._names = names
        self._open = open_lesson
        self._opened: dict[str, Lesson] = {}
        self._ended: dict[str, Exception | None] = {}  # with what stopped it

    def __getitem__(self, name: str) -> Lesson:
        if name not in self._names:
            raise KeyError(name)
        while name not in self._ended:
            self._keep_busy()
            time.sleep(0.2)
        self._keep_busy()
        if error := self._ended[name]:
            raise AssertionError(f"{name} was not run: {error}") from error
        return self._opened[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def wait_for_all(self) -> None:
        """Wait until no lesson is running any more: for what is timed."""
        while len(self._ended) < len(self._names):
            self._keep_busy()
            time.sleep(0.2)

    def _keep_busy(self) -> None:
        """See which lessons have ended; start the next, if fewer than `AT_ONCE` are at work."""
        running = [name for name in self._opened if name not in self._ended]
        for name in running:
            self._try(name, self._look_at)
        waiting = [n for n in self._names if n not in self._opened and n not in self._ended]
        at_work = sum(name not in self._ended for name in running)
        for name in waiting[: AT_ONCE - at_work]:
            self._try(name, self._start)

    def _try(self, name: str, step: Callable[[str], None]) -> None:
        try:
            step(name)
        except Exception as error:
            self._ended[name] = error

    def _look_at(self, name: str) -> None:
        if self._opened[name].has_run():
            self._opened[name].wait_for_widgets()
            self._ended[name] = None

    def _start(self, name: str) -> None:
        lesson = self._opened[name] = self._open(name)
        if name == LESSONS[0]:  # timed, so before the others start
            lesson.first_widget = lesson.run_until_first_widget()
        lesson.start_all()

    def close(self) -> None:
        for lesson in self._opened.values():
            lesson.close()


@pytest.fixture(scope="session")
def lessons(request, context, lab) -> Iterator[Course]:
    """Those lessons that the tests look at."""
    names = asked_for(request.session.items)
    course = Course(names, lambda name: Lesson(context, lab, name))
    yield course
    course.close()


@pytest.fixture(scope="session", params=LESSONS)  # so that all is asked of one before the next
def lesson(request, lessons) -> Lesson:
    """Each lesson in turn, opened and run as a reader would."""
    return lessons[request.param]


@pytest.fixture
def quiet_lesson(lessons) -> Callable[[str], Lesson]:
    """A lesson by its number, in front, when none is running any more: for what is timed."""
    lessons.wait_for_all()

    def find(number: str) -> Lesson:
        [name] = [name for name in lessons if name.startswith(number)]
        lessons[name].page.bring_to_front()
        return lessons[name]

    return find
