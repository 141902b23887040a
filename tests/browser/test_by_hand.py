"""A task by hand in JupyterLab: touched with the mouse, a finger and the keyboard; saved, opened
again, and without a kernel. How long a drag takes to show is printed."""

from __future__ import annotations

import json
import math
import re

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from tests.browser.driver import SCENE_DRAWN, SCREENSHOTS, STEP_DRAWN, STOPWATCH, Lesson
from tests.browser.lab import Lab
from tests.browser.test_harness import KERNEL
from tests.browser.test_player import tell

DRAGS = 60

MAKE = """import torch
from maml_edu.runs import checkpoint
from maml_edu.views import traces
from maml_edu.views.widgets import ByHand
torch.set_num_threads(1)
start = checkpoint.load("sine-maml")
fresh = start.learner.model.init(generator=torch.Generator().manual_seed(1))
both = {"meta-trained": (start.learner, start.theta), "fresh": (start.learner, fresh)}
hand = ByHand(lambda points: traces.by_hand(both, points, tasks=start.tasks), wave=(3.5, 1.0))
hand"""
READ = """import json
trace = hand.trace
print(json.dumps([hand.points, hand.step, trace.support_loss.T.tolist()]))"""

SET_SOURCE = """source => {
    window.lessonPanel.content.widgets[1].model.sharedModel.setSource(source);
}"""


def wave(x: float) -> float:
    return 3.5 * math.sin(x - 1)


class Hand:
    """The widget, in the units of its axes."""

    def __init__(self, lesson: Lesson) -> None:
        self.lesson, self.page = lesson, lesson.page
        self.root = lesson.page.locator(".maml-hand")
        self.stage = self.root.locator(".maml-picture")
        self.points = self.root.locator(".maml-hand-point")
        self.slider = self.root.locator("input.maml-step")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page this place of the picture is."""
        self.stage.scroll_into_view_if_needed()
        box = self.stage.bounding_box()
        left, top, right, bottom = 46, 22, 14, 40  # the picture's margins
        return (
            box["x"] + left + (box["width"] - left - right) * (x + 5) / 10,
            box["y"] + top + (box["height"] - top - bottom) * (6 - y) / 12,
        )

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()

    def clear(self) -> None:
        """As it was at first: all is undone."""
        undo = self.root.get_by_role("button", name="Undo")
        undo.evaluate("button => { while (!button.disabled) button.click(); }")
        expect(self.points).to_have_count(0)

    def in_python(self) -> tuple[list, int, list]:
        """The points, the step and the support losses by step, as Python has them."""
        self.page.wait_for_timeout(500)  # until the hand rests
        self.lesson.run_cell(1)
        return json.loads("".join(self.lesson.cells()[1]["outputs"][0]["text"]))

    def numbers(self) -> list[list[str]]:
        return [row.locator("td").all_inner_texts() for row in self.root.locator("tbody tr").all()]


def open_hand(context: BrowserContext, lab: Lab, name: str) -> Hand:
    """A notebook with the widget, and a cell that reads it."""
    cells = [nbformat.v4.new_code_cell(code) for code in (MAKE, READ)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
    nbformat.write(notebook, lab.root / "notebooks" / f"{name}.ipynb")
    lesson = Lesson(context, lab, name)
    lesson.run_cell(0)
    expect(lesson.page.locator(".maml-hand .maml-picture svg")).to_have_count(1)
    return Hand(lesson)


@pytest.fixture(scope="module")
def opened(context, lab) -> Hand:
    hand = open_hand(context, lab, "93_by_hand")
    yield hand
    hand.lesson.close()


@pytest.fixture
def hand(opened) -> Hand:
    opened.clear()
    return opened


def test_the_mouse_places_drags_and_removes(hand):
    mouse = hand.page.mouse
    expect(hand.root.locator(".maml-note")).to_contain_text("Click on the dashed wave")
    for x in (-4, -3, -2, -1, 0):
        mouse.click(*hand.at(x, wave(x) + 0.2))  # near it: it lands on the wave
    expect(hand.points).to_have_count(5)
    expect(hand.root.locator(".maml-note")).to_be_hidden()
    points, step, _ = hand.in_python()
    assert step == 1
    for (x, y), wanted in zip(points, (-4, -3, -2, -1, 0), strict=True):
        assert abs(x - wanted) < 0.03
        assert abs(y - wave(x)) < 0.02

    mouse.move(*hand.at(*points[2]))
    mouse.down()
    mouse.move(*hand.at(1, 4), steps=5)
    before = hand.numbers()
    mouse.move(*hand.at(9, -9), steps=5)  # it stays within the picture
    assert hand.numbers() != before, "the networks learn while the hand moves"
    mouse.up()
    moved = hand.in_python()[0]
    assert moved[2] == [5, -6]
    assert [p for p in moved if p != moved[2]] == [p for p in points if p != points[2]]

    mouse.dblclick(*hand.at(*points[0]))
    expect(hand.points).to_have_count(4)
    assert hand.in_python()[0] == moved[1:]
    hand.press("Undo")
    expect(hand.points).to_have_count(5)
    mouse.dblclick(*hand.at(3, -3))  # on nothing: one new point, which stays
    expect(hand.points).to_have_count(6)


def test_a_stroke_is_a_wave_with_five_points_of_it(hand):
    mouse = hand.page.mouse
    mouse.move(*hand.at(-4, 2 * math.cos(-4)))
    mouse.down()
    seen = set()
    for k in range(1, 41):
        x = -4 + 8 * k / 40
        mouse.move(*hand.at(x, 2 * math.cos(x)))
        seen.add(str(hand.numbers()))
    mouse.up()
    assert len(seen) > 20, "the networks learn while the wave is drawn"
    points = hand.in_python()[0]
    assert len(points) == 5
    assert max(abs(y - 2 * math.cos(x)) for x, y in points) < 0.15
    assert points[0][0] < -2.5
    assert points[4][0] > 2.5
    best = [float(text) for text in hand.numbers()[2]]
    assert max(best) < 0.05


def drag(hand: Hand, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse."""
    hand.page.mouse.move(*hand.at(*start))
    hand.page.mouse.down()
    hand.page.mouse.move(*hand.at(*end), steps=4)
    hand.page.mouse.up()


def touch(hand: Hand, *places: tuple[float, float], hold: int = 0) -> None:
    """A finger put down at the first place, moved through the others and lifted."""
    devtools = hand.page.context.new_cdp_session(hand.page)
    points = [hand.at(*place) for place in places]
    for i, (x, y) in enumerate(points):
        kind = "touchMove" if i else "touchStart"
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    hand.page.wait_for_timeout(hold)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    devtools.detach()


def test_a_finger_does_all_that_the_mouse_does(hand):
    for x in (-3, 0, 3):
        touch(hand, (x, wave(x)))
    expect(hand.points).to_have_count(3)
    touch(hand, (0, wave(0)), (0.5, 0), (1, 3))
    points = hand.in_python()[0]
    assert abs(points[1][0] - 1) < 0.05
    assert abs(points[1][1] - 3) < 0.05
    touch(hand, (3.1, wave(3)), hold=900)
    expect(hand.points).to_have_count(2)
    touch(hand, *[(x / 4, 2 * math.sin(x / 4)) for x in range(-16, 17)])
    expect(hand.points).to_have_count(5)
    assert max(abs(y - 2 * math.sin(x)) for x, y in hand.in_python()[0]) < 0.2


def test_the_keyboard_does_it_alone(hand):
    keys = hand.page.keyboard
    focused = "() => document.activeElement.getAttribute('aria-label') ?? ''"
    hand.root.get_by_role("button", name="Add point").focus()
    cells = len(hand.lesson.cells())
    keys.press("Enter")
    assert hand.lesson.ask(focused).startswith("point 1 of 1: x 0.0")
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowDown"):
        keys.press(key)
    [[x, y]] = hand.in_python()[0]
    assert (x, y) == pytest.approx((0.2, wave(0) - 0.4), abs=0.01)
    hand.points.first.focus()
    keys.press("Insert")
    keys.press("Enter")
    expect(hand.points).to_have_count(3)
    keys.press("Shift+Tab")
    assert hand.lesson.ask(focused).startswith("point 2 of 3")
    expect(hand.root.locator("[aria-live]")).to_contain_text("Error at the points")
    keys.press("Delete")
    assert hand.lesson.ask(focused).startswith("point 2 of 2")
    keys.press("Control+z")
    expect(hand.points).to_have_count(3)
    for _ in range(3):
        hand.points.first.focus()
        keys.press("Backspace")
    expect(hand.points).to_have_count(0)
    assert "Add point" in hand.lesson.ask("() => document.activeElement.textContent")
    assert len(hand.lesson.cells()) == cells, "JupyterLab took a key for itself"


def test_its_numbers_are_the_packages(hand):
    """At every inner step, of networks that learn in the browser and in Python."""
    for x in (-4, -3, -2, -1, 0):
        hand.page.mouse.click(*hand.at(x, wave(x)))
    losses = hand.in_python()[2]
    hand.slider.press("Home")
    for step, expected in enumerate(losses):
        assert hand.slider.input_value() == str(step)
        shown = [float(row[0]) for row in hand.numbers()]
        assert shown[:2] == pytest.approx(expected, abs=0.0051)
        assert shown[2] == 0
        if step < len(losses) - 1:
            hand.lesson.latency(hand.slider, "ArrowRight", "keydown", STEP_DRAWN)
    assert hand.in_python()[1] == len(losses) - 1
    hand.slider.press("Home")
    hand.slider.press("ArrowRight")


def test_a_new_wave_takes_the_points_along(hand):
    for x in (-4, -2, 0):
        hand.page.mouse.click(*hand.at(x, wave(x)))
    before = hand.in_python()[0]
    hand.press("New wave")
    after = hand.in_python()[0]
    assert [x for x, _ in after] == [x for x, _ in before]
    assert [y for _, y in after] != [y for _, y in before]
    assert hand.numbers()[2] == ["0.00", "0.00"]
    hand.press("Undo")
    assert hand.in_python()[0] == before


def test_no_more_points_than_fit(hand):
    for _ in range(20):
        hand.root.get_by_role("button", name="Add point").click()
    expect(hand.points).to_have_count(20)
    expect(hand.root.get_by_role("button", name="Add point")).to_be_disabled()
    expect(hand.root.locator(".maml-note")).to_have_text("20 points: no more fit")
    hand.page.mouse.click(*hand.at(4.9, -5.5))
    expect(hand.points).to_have_count(20)
    assert len({x for x, _ in hand.in_python()[0]}) == 20
    assert "NaN" not in hand.root.inner_html()


def test_python_sets_them_too(hand):
    """What is done in Python comes to the picture, and can be undone there."""
    for code in ("hand.points = [[1, 2], [2, 3]]; hand.step = 4", "hand.step = 1"):
        hand.lesson.ask(SET_SOURCE, f"{code}\n{READ}")
        hand.lesson.run_cell(1)
        expect(hand.points).to_have_count(2)
        expect(hand.points.first).to_have_attribute("aria-label", "point 1 of 2: x 1.0, y 2.0")
        expect(hand.root).to_have_attribute("data-step", code.split()[-1])
    hand.press("Undo")
    expect(hand.points).to_have_count(0)


@pytest.mark.parametrize("size", [(1280, 900), (360, 740)])
def test_it_is_accessible_and_has_room(hand, size):
    hand.press("New wave")
    for _ in range(5):
        hand.press("Add point")
    usual = hand.page.viewport_size
    hand.page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    found = Axe().run(hand.page, context={"include": [[".maml-hand"]]}).response
    SCREENSHOTS.mkdir(exist_ok=True)
    hand.root.scroll_into_view_if_needed()
    hand.root.screenshot(path=SCREENSHOTS / f"by-hand-{size[0]}.png")
    hand.page.set_viewport_size(usual)
    assert found["passes"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]] == []
    assert hand.lesson.page_errors == []
    assert hand.lesson.console == []
    assert hand.lesson.outside == []


def time_drags(hand: Hand, moves: int) -> list[float]:
    """Milliseconds from each move of a hand that drags one of five points to its picture."""
    hand.clear()
    for x in (-4, -3, -2, -1, 0):
        hand.page.mouse.click(*hand.at(x, wave(x)))
    hand.page.evaluate(STOPWATCH)
    hand.page.mouse.move(*hand.at(-2, wave(-2)))
    hand.page.mouse.down()
    hand.page.mouse.move(*hand.at(-1.5, 0))
    times = []
    for k in range(moves):
        start = f"root => window.stopwatch.start(root, 'pointermove', ({SCENE_DRAWN})(root))"
        hand.root.evaluate(start)
        hand.page.mouse.move(*hand.at(-2 + 4 * math.sin(k), 4 * math.cos(k)))
        times.append(hand.lesson.ask("() => window.stopwatch.result"))
    hand.page.mouse.up()
    return times


def test_dragging(hand):
    tell("dragging a point", time_drags(hand, DRAGS))


def test_nothing_is_lost_on_reload_and_it_lives_without_a_kernel(context, lab):
    hand = open_hand(context, lab, "92_again")
    for x in (-4, -2, 0):
        hand.page.mouse.click(*hand.at(x, wave(x)))
    kept = hand.in_python()[0]
    hand.lesson.save()
    hand.lesson.shut_down()
    drag(hand, kept[0], (-4, -4))
    expect(hand.points.first).to_have_attribute("aria-label", "point 1 of 3: x -4.0, y -4.0")
    hand.page.wait_for_timeout(500)
    assert hand.lesson.page_errors == []
    hand.lesson.close()

    again = Hand(Lesson(context, lab, "92_again"))
    expect(again.points).to_have_count(3)
    expect(again.page.locator(".jp-Notebook")).not_to_contain_text("Error displaying widget")
    for point, (x, y) in zip(again.points.all(), kept, strict=True):
        expect(point).to_have_attribute("aria-label", re.compile(f"x {x:.1f}, y {y:.1f}$"))
    before = again.numbers()
    drag(again, kept[2], (2, 2))
    assert again.numbers() != before
    assert again.lesson.page_errors == []
    again.lesson.close()
