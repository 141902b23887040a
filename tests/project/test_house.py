"""The picture of the package, docs/house.svg: it is what the code says today."""

from __future__ import annotations

import importlib
import re
import xml.etree.ElementTree as ElementTree

import pytest

from tools import house, rooms

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def picture() -> ElementTree.Element:
    return ElementTree.fromstring(house.PICTURE.read_text("utf-8"))


def words(element: ElementTree.Element) -> str:
    return " ".join(text.text for text in element.iter(f"{SVG}text"))


def test_the_picture_is_drawn_from_the_code_of_today():
    assert house.PICTURE.read_text("utf-8") == house.draw(), "run: make house"


@pytest.mark.parametrize("name", rooms.LEVEL)
def test_every_room_is_in_it_and_says_what_it_holds(name, picture):
    seen = words(picture)
    assert rooms.label(name) in seen
    assert rooms.says(name) in seen


def test_it_has_a_title_and_is_told_in_words(picture):
    assert picture.find(f"{SVG}title").text
    told = picture.find(f"{SVG}desc").text
    assert [name for name in rooms.LEVEL if rooms.label(name) not in told] == []


def test_its_arrows_lead_to_all_that_is_imported():
    """What is not drawn follows from what is, or leads to the foundation."""
    reach: dict[str, set[str]] = {name: {name, rooms.GROUND} for name in rooms.LEVEL}
    for _ in rooms.LEVEL:
        for above, below in rooms.arrows():
            reach[above] |= reach[below]
    for name, others in rooms.imports_between_rooms().items():
        assert others & rooms.may_import(name) <= reach[name]


def test_the_rooms_of_a_floor_stand_apart():
    for floor in rooms.FLOORS:
        ends = [-1.0]
        for left, right in sorted(floor.values()):
            assert ends[-1] < left < right <= 25
            ends.append(right)


def test_the_reference_describes_modules_that_exist():
    text = (rooms.ROOT / "docs" / "api.md").read_text("utf-8")
    named = re.findall(r"automodule:: maml_edu\.(\S+)", text)
    assert len(named) > len(rooms.LEVEL)
    assert [name for name in named if name not in rooms.MODULES] == []


@pytest.mark.parametrize("name", house.PASSES)
def test_the_functions_that_the_data_passes_stand_in_their_rooms(name):
    module = importlib.import_module(f"maml_edu.{name}")
    assert all(callable(getattr(module, function)) for function in house.PASSES[name])
