"""The harness itself: does it see what it is there to see?"""

from __future__ import annotations

from types import SimpleNamespace

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

from tests.browser.conftest import Course
from tests.browser.driver import WATCH, Lesson

COMPLAIN = '''from IPython.display import HTML
HTML("""<img src="http://outside.invalid/picture.png" alt="from outside">
<script>console.error("a complaint"); setTimeout(() => { throw new Error("a fault"); }, 0);</script>
""")'''
DRAW = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
WARN = "import warnings\nwarnings.warn('careful', stacklevel=1)"
# Without a kernel's name JupyterLab asks for one in a dialog, and waits.
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture(scope="module")
def bad_lesson(context, lab):
    cells = [nbformat.v4.new_code_cell(source) for source in (COMPLAIN, DRAW, WARN, "1 / 0")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(notebook, lab.root / "notebooks" / "99_bad.ipynb")
    lesson = Lesson(context, lab, "99_bad")
    lesson.start_all()
    lesson.wait()
    lesson.until(lambda: lesson.page_errors and lesson.outside, "the fault and the request")
    yield lesson
    lesson.close()


def test_it_sees_warnings_and_exceptions(bad_lesson):
    warning, exception = bad_lesson.errors()
    assert "UserWarning: careful" in warning
    assert exception == "ZeroDivisionError: division by zero"


def test_it_sees_a_request_to_outside(bad_lesson):
    assert set(bad_lesson.outside) == {"http://outside.invalid/picture.png"}


def test_it_sees_complaints_and_faults_in_the_browser(bad_lesson):
    assert any("a complaint" in message for message in bad_lesson.console)
    assert set(bad_lesson.page_errors) == {"a fault"}


def test_it_sees_a_failed_request_unless_it_is_a_poll(bad_lesson):
    bad_lesson.page.route("**/api/*?123", lambda route: route.fulfill(status=500))
    bad_lesson.ask("() => Promise.all(['kernels', 'specs'].map(it => fetch(`/api/${it}?123`)))")

    def failed() -> list[str]:
        return [message for message in bad_lesson.console if "status of 500" in message]

    bad_lesson.until(failed, "a complaint about the failed request")
    bad_lesson.page.unroute("**/api/*?123")
    [message] = failed()
    assert message.endswith("/api/specs?123)")


def test_it_sees_a_picture_without_a_text(bad_lesson):
    found = Axe().run(bad_lesson.page, context={"include": [[".jp-OutputArea-output"]]}).response
    assert "image-alt" in [rule["id"] for rule in found["violations"]]


def test_the_server_wants_its_token(lab):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab.base}/api/contents", timeout=600)


CHANGE = """async n => {
    for (let i = 0; i < n; i++) {  // the length stays, as with a progress bar
        document.body.textContent = `step ${10 + i}`;
        await new Promise(done => setTimeout(done, 500));
    }
    return n;
}"""
SLEEP = "import time\ntime.sleep(3600)"


def test_a_wait_goes_on_while_anything_moves(context):
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto("about:blank")
    watched = f"([n, looks]) => window.watched(({CHANGE})(n), looks, 'counting')"
    assert page.evaluate(watched, [12, 3]) == 12  # six seconds, twice as long as three looks
    with pytest.raises(Error, match="nothing has moved in 3 looks: counting"):
        page.evaluate("() => window.watched(new Promise(() => {}), 3, 'counting')")
    page.close()


def test_a_lesson_that_hangs_is_given_up(context, lab):
    cells = [nbformat.v4.new_code_cell(SLEEP)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(notebook, lab.root / "notebooks" / "96_hangs.ipynb")
    lesson = Lesson(context, lab, "96_hangs")
    lesson.start_all(looks=5)
    with pytest.raises(AssertionError, match="96_hangs: nothing has moved in 5 looks"):
        lesson.wait()
    lesson.shut_down()
    lesson.close()


def test_a_lesson_that_fails_is_the_only_one_that_fails():
    """One does not open, one stops half-way, one does not show its widgets; the others are run."""

    def open_lesson(name: str) -> SimpleNamespace:
        def fail_if(trouble: str) -> bool:
            if trouble in name:
                raise RuntimeError(trouble)
            return True

        fail_if("closed")
        return SimpleNamespace(
            name=name,
            start_all=lambda: None,
            has_run=lambda: fail_if("stuck"),
            wait_for_widgets=lambda: fail_if("blank"),
        )

    names = ["1-closed", "2-right", "3-stuck", "4-blank", "5-right"]
    course = Course(names, open_lesson)
    course.wait_for_all()
    for name in names:
        if "right" in name:
            assert course[name].name == name
            continue
        for _ in range(2):
            with pytest.raises(AssertionError, match=f"{name} was not run: {name[2:]}"):
                course[name]
