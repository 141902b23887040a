"""The table of looks: readable on both pages, and told apart without colour."""

from __future__ import annotations

import itertools

import pytest

from maml_edu.views.scenes.style import DARK_PAGE, LIGHT_PAGE, ROLES, SERIES, series


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted([luminance(a), luminance(b)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ROLES)
def test_stands_out_from_both_pages(name):
    role = ROLES[name]
    assert contrast(role.colour, LIGHT_PAGE) >= 3  # WCAG 1.4.11, graphical objects
    assert contrast(role.dark, DARK_PAGE) >= 3


@pytest.mark.parametrize(
    "together", [("truth", "theta", "adapted"), ("support", "query"), ("truth", *SERIES)]
)
def test_lines_of_one_panel_differ_in_dash(together):
    for a, b in itertools.combinations(together, 2):
        assert ROLES[a].dash != ROLES[b].dash


@pytest.mark.parametrize("together", [("support", "query", "theta", "adapted"), SERIES])
def test_points_of_one_panel_differ_in_shape(together):
    assert len({ROLES[name].marker for name in together}) == len(together)


def test_series_repeat():
    assert series(0) == series(len(SERIES)) != series(1)
