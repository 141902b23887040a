"""The harness itself: does it see what it is there to see?"""

from __future__ import annotations

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.driver import Lesson

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
    lesson.page.wait_for_timeout(300)
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


def test_it_sees_a_picture_without_a_text(bad_lesson):
    found = Axe().run(bad_lesson.page, context={"include": [[".jp-OutputArea-output"]]}).response
    assert "image-alt" in [rule["id"] for rule in found["violations"]]


def test_the_server_wants_its_token(lab):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab.base}/api/contents", timeout=5)
