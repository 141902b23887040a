"""The pad in JupyterLab: drawn on with the mouse and filled by the keyboard alone; networks adapt
to it. The latencies are printed, as the player's are."""

from __future__ import annotations

import json

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, expect

from maml_edu.views.drawing import DrawingSet
from maml_edu.views.drawing.drawing_set import read_drawing_set
from tests.browser.driver import STEP_DRAWN, STOPWATCH, Lesson, there_and_back
from tests.browser.lab import Lab
from tests.browser.test_harness import KERNEL
from tests.browser.test_player import tell
from tests.views.widgets.test_draw import a_set

STROKES, MOVES = 12, 20

MAKE = """from dataclasses import replace
import torch
from maml_edu.runs import checkpoint
from maml_edu.views import traces
from maml_edu.views.drawing import Drawing, DrawingSet
from maml_edu.learners import MAML
from maml_edu.learners.heads import resize_head
from maml_edu.models import conv4
from maml_edu.views.widgets import Draw
torch.set_num_threads(1)
full = checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")
learner = replace(full.learner, protocol="support-only")
plain = MAML(conv4(5), learner.loss, inner_lr=0.4, protocol="support-only")
fresh = plain.init(generator=torch.Generator().manual_seed(0))
def compute(drawings):
    both = {"trained": (learner, full.theta), "fresh": (plain, fresh)}
    sized = {name: resize_head(*one, conv4(drawings.way)) for name, one in both.items()}
    return traces.drawings(sized, drawings)
def sign(k):
    return Drawing("strokes", (((20.0, 20.0 + k), (80.0, 30.0 + 2 * k), (30.0 + 2 * k, 80.0)),))
pad = Draw(compute, DrawingSet(tuple((sign(k),) for k in range(5)), sign(5)),
           {f"sign {k}": sign(k) for k in range(20)})
pad"""
READ = "import json\nprint(json.dumps(pad.drawings.as_json()))"
PLAYER_DRAWN = """root => {
    const player = root.querySelector('.maml-player');
    const old = player.dataset.scene;
    return () => player.dataset.scene !== old;
}"""


@pytest.fixture(scope="module")
def lesson(context, lab):
    lesson = open_pad(context, lab)
    yield lesson
    lesson.close()


def open_pad(context: BrowserContext, lab: Lab) -> Lesson:
    """A notebook with a pad, and a cell that reads it."""
    cells = [nbformat.v4.new_code_cell(code) for code in (MAKE, READ)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(notebook, lab.root / "notebooks" / "97_draw.ipynb")
    lesson = Lesson(context, lab, "97_draw")
    lesson.run_cell(0)
    lesson.page.wait_for_function("() => document.querySelector('.maml-draw .maml-player svg')")
    return lesson


@pytest.fixture
def pad(lesson) -> Locator:
    return lesson.page.locator(".maml-draw")


def place(pad: Locator, name: str) -> Locator:
    return pad.locator(f".maml-draw-places button:has-text('{name}')")


def draw(lesson: Lesson, pad: Locator, points: list[tuple[float, float]]) -> None:
    """One stroke of the mouse, through shares of the canvas's sides."""
    canvas = pad.locator("canvas.maml-draw-pad")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    mouse = lesson.page.mouse
    mouse.move(*at[0])
    mouse.down()
    for point in at[1:]:
        mouse.move(*point)
    mouse.up()


def in_python(lesson: Lesson) -> DrawingSet:
    """The drawings as Python has them."""
    lesson.page.wait_for_function("() => !document.querySelector('.maml-draw[data-busy]')")
    lesson.run_cell(1)
    return read_drawing_set(json.loads("".join(lesson.cells()[1]["outputs"][0]["text"])))


def test_a_stroke_of_the_mouse_reaches_python(lesson, pad):
    before = in_python(lesson)
    place(pad, "B").click()
    pad.get_by_role("button", name="Clear", exact=True).click()
    expect(pad.locator(".maml-draw-status")).to_have_text("Still to be drawn: B.")
    expect(pad.locator(".maml-draw-player")).to_be_hidden()
    draw(lesson, pad, [(0.25, 0.25), (0.5, 0.5), (0.75, 0.25)])
    expect(pad.locator(".maml-draw-player")).to_be_visible()
    after = in_python(lesson)
    [[drawing]] = after.support[1:2]
    [stroke] = drawing.content
    wanted = [(26.2, 26.2), (52.5, 52.5), (78.8, 26.2)]
    for (x, y), (a, b) in zip(stroke, wanted, strict=True):
        assert abs(x - a) < 1
        assert abs(y - b) < 1
    assert after.support[0] == before.support[0]
    pad.locator("canvas.maml-draw-pad").hover()
    place(pad, "B").focus()
    lesson.page.keyboard.press("Control+z")
    lesson.page.keyboard.press("Control+z")
    assert in_python(lesson) == before


def test_the_keyboard_alone_fills_it(lesson, pad):
    keys = lesson.page.keyboard
    pad.get_by_role("button", name="Clear all").focus()
    keys.press("Enter")
    status = pad.locator(".maml-draw-status")
    expect(status).to_have_text("Still to be drawn: A, B, C, D, E and the query.")
    place(pad, "A").focus()
    keys.press("Tab")  # the places are one stop, so are the drawings of the palette
    focused = "() => document.activeElement.getAttribute('aria-label') ?? ''"
    for _ in range(4):
        if lesson.ask(focused).startswith("sign"):
            break
        keys.press("Tab")
    assert lesson.ask(focused) == "sign 0"
    for _ in range(6):
        keys.press("ArrowRight")
        keys.press("Enter")
    assert lesson.ask(focused) == "sign 6"
    expect(pad.locator(".maml-draw-player")).to_be_visible()
    expect(pad.locator(".maml-draw-places [data-empty]")).to_have_count(0)
    drawn = in_python(lesson)
    assert drawn.missing == ""
    assert [one.content[0][0][1] for [one] in drawn.support] == [21.0, 22.0, 23.0, 24.0, 25.0]
    assert drawn.query.content[0][0][1] == 26.0


def test_ways_and_shots(lesson, pad):
    pad.locator("[data-name=ways]").select_option("2")
    pad.locator("[data-name=shots]").select_option("2")
    expect(pad.locator(".maml-draw-places button")).to_have_count(5)
    drawn = in_python(lesson)
    assert (drawn.way, drawn.shots, drawn.missing) == (2, 2, "")
    expect(pad.locator(".maml-title")).to_contain_text("2 ways, 2 drawings")


def test_a_file_comes_in_or_is_told(lesson, pad):
    before = in_python(lesson)
    files = pad.locator("input[type=file]")
    status = pad.locator(".maml-draw-status")
    for text, words in [("{", "mine.json does not hold valid JSON."), ("{}", "format is None; it")]:
        upload = {"name": "mine.json", "mimeType": "application/json", "buffer": text.encode()}
        files.set_input_files(upload)
        expect(status).to_contain_text(words)
        assert in_python(lesson) == before
    good = json.dumps(a_set(4).as_json()).encode()
    files.set_input_files({"name": "mine.json", "mimeType": "application/json", "buffer": good})
    expect(pad.locator(".maml-draw-places button")).to_have_count(5)
    assert in_python(lesson) == a_set(4)
    with lesson.page.expect_download() as download:
        pad.get_by_role("button", name="Save").click()
    assert read_drawing_set(json.loads(download.value.path().read_text())) == a_set(4)


def test_it_is_accessible(lesson, pad):
    found = Axe().run(lesson.page, context={"include": [[".maml-draw"]]}).response
    assert found["passes"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert lesson.page_errors == []
    assert lesson.console == []
    assert lesson.outside == []


def time_strokes(lesson: Lesson, pad: Locator) -> list[float]:
    """Milliseconds from the end of each stroke to the frame that shows its probabilities."""
    lesson.page.evaluate(STOPWATCH)
    place(pad, "A").click()
    times = []
    for k in range(STROKES):
        pad.evaluate(f"root => window.stopwatch.start(root, 'pointerup', ({PLAYER_DRAWN})(root))")
        draw(lesson, pad, [(0.2, 0.2 + 0.05 * k), (0.5, 0.5), (0.8, 0.3)])
        times.append(lesson.ask("() => window.stopwatch.result"))
    return times


def test_from_the_stroke_to_the_picture(lesson, pad):
    tell("stroke to probabilities", time_strokes(lesson, pad))
    slider = pad.locator("input.maml-step")
    slider.focus()
    slider.press("Home")
    keys = there_and_back(slider, MOVES)
    tell("scrubbing the pad's player", lesson.latencies(slider, keys, "keydown", STEP_DRAWN))
