"""The adaptation player under the keyboard: what moves, and how fast.

The latencies are printed; `python -m benchmarks --only browser` holds them to their bars.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.driver import SCENE_DRAWN, STEP_DRAWN, Lesson, median_p95, there_and_back

MOVES = 60


@pytest.fixture
def first_lesson(quiet_lesson) -> Lesson:
    """With points to learn from: until then its picture has no steps."""
    lesson = quiet_lesson("00")
    for _ in range(3 - lesson.page.locator(".maml-hand-point").count()):
        lesson.page.get_by_role("button", name="Add point").click()
    return lesson


@pytest.fixture
def inner_loop(quiet_lesson) -> Lesson:
    return quiet_lesson("02")


def tell(what: str, times: list[float]) -> None:
    median, p95 = median_p95(times)
    print(f"\n{what}, {len(times)} moves: median {median:.1f} ms, p95 {p95:.1f} ms")


def picture(player: Locator) -> str:
    """All that the player has drawn, without its controls."""
    return "".join(svg.inner_html() for svg in player.locator("svg").all())


def test_the_keyboard_moves_the_step_and_the_picture(first_lesson):
    player = first_lesson.players()[0]
    slider = player.locator("input.maml-step")
    slider.focus()
    slider.press("Home")
    assert slider.input_value() == slider.get_attribute("min")
    seen = {picture(player)}
    for step in range(1, int(slider.get_attribute("max")) + 1):
        first_lesson.latency(slider, "ArrowRight", "keydown", STEP_DRAWN)
        assert slider.input_value() == str(step) == player.get_attribute("data-step")
        seen.add(picture(player))
    assert len(seen) > 2, "the picture is the same at every step"
    slider.press("ArrowLeft")
    assert int(slider.input_value()) == int(slider.get_attribute("max")) - 1


def test_play_moves_the_step_and_stops(first_lesson):
    player = first_lesson.players()[0]
    slider = player.locator("input.maml-step")
    slider.focus()
    slider.press("Home")
    player.locator("button.maml-play").focus()
    first_lesson.page.keyboard.press("Enter")
    last = slider.get_attribute("max")
    first_lesson.page.wait_for_function(
        "([input, last]) => input.value === last", arg=[slider.element_handle(), last]
    )
    first_lesson.page.wait_for_timeout(500)
    assert player.get_attribute("data-step") == last


def test_scrubbing(first_lesson):
    slider = first_lesson.players()[0].locator("input.maml-step")
    slider.focus()
    slider.press("Home")
    keys = there_and_back(slider, MOVES)
    tell("scrubbing", first_lesson.latencies(slider, keys, "keydown", STEP_DRAWN))
    assert slider.input_value() == str(sum(1 if key == "ArrowRight" else -1 for key in keys))


def test_scrubbing_drawings(quiet_lesson):
    """Five ways, 15 queries: at each step every bar, every caption and both curves are redrawn."""
    lesson = quiet_lesson("11")
    player = lesson.players()[0]
    slider = player.locator("input.maml-step")
    slider.focus()
    slider.press("Home")
    seen, times = {picture(player)}, []
    for key in there_and_back(slider, MOVES):
        times.append(lesson.latency(slider, key, "keydown", STEP_DRAWN))
        seen.add(picture(player))
    assert len(seen) == int(slider.get_attribute("max")) + 1
    expect(player.locator("[aria-live=polite]")).to_contain_text("queries right")
    tell("scrubbing drawings", times)


def test_recomputing_on_a_new_inner_lr(inner_loop):
    player = inner_loop.player_with("inner_lr")
    control = player.locator("[data-name=inner_lr]").first
    control.focus()
    before = picture(player)
    keys = ["ArrowRight"] * (MOVES // 4)
    times = inner_loop.latencies(control, keys, "input", SCENE_DRAWN)
    assert picture(player) != before
    times += inner_loop.latencies(control, ["ArrowLeft"] * len(keys), "input", SCENE_DRAWN)
    tell("recomputing on a new inner_lr", times)


def test_every_control_at_both_ends_gives_a_picture(inner_loop):
    for player in inner_loop.players():
        for control in player.locator("input.maml-control[type=range]").all():
            for key in ("End", "Home"):
                at_end = control.get_attribute("max" if key == "End" else "min")
                if control.input_value() != at_end:
                    inner_loop.latency(control, key, "input", SCENE_DRAWN)
                assert player.locator("svg path").count() > 0
                assert "NaN" not in picture(player)
    assert inner_loop.page_errors == []
    assert inner_loop.console == []


def test_a_legend_of_two_lines_leaves_the_axes_in_sight(quiet_lesson):
    """Its readouts come after the picture is built, and then leave it less room."""
    lesson = quiet_lesson("14")
    player = lesson.player_with("way")
    lesson.latency(player.locator("[data-name=way]").first, "End", "input", SCENE_DRAWN)
    legend = player.locator(".maml-legend").first
    line = legend.locator("li").first

    def height(place: Locator) -> float:
        return place.bounding_box()["height"]

    lesson.until(lambda: height(legend) > 1.5 * height(line), "a legend of two lines")
    for room in player.locator(".maml-panel:not([data-gallery]) .maml-picture").all():
        picture = room.locator("svg")
        lesson.until(
            lambda r=room, p=picture: abs(height(p) - height(r)) <= 1, "a picture that fits"
        )
