"""The series' colours, as people with each kind of colour blindness see them (simulated)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from maml_edu.views.scenes import style

# Machado, Oliveira & Fernandes (2009), table 1, severity 1.0: linear RGB to linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
# About 2.3 is just noticeable side by side (CIE76). Lines that lie apart need some four times that,
# and have a dash and a marker of their own besides.
LEAST = 4 * 2.3


def lab(colour: str, sight: str) -> np.ndarray:
    """CIE Lab (D65) of "#rrggbb" as seen."""
    coded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(SIGHT[sight]) @ linear, 0, 1)
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ seen / TO_XYZ.sum(1), 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def closest(page: str, sight: str) -> tuple[float, str, str]:
    """The least distance between two series on a page, and which they are."""
    seen = {name: lab(getattr(style.ROLES[name], page), sight) for name in style.SERIES}
    pairs = itertools.combinations(seen, 2)
    return min((float(np.linalg.norm(seen[a] - seen[b])), a, b) for a, b in pairs)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("page", ["colour", "dark"])
def test_series_can_be_told_apart(page, sight):
    distance, one, other = closest(page, sight)
    assert distance >= LEAST, f"{one} and {other} are {distance:.1f} apart under {sight}"


def test_red_and_green_of_one_brightness_would_fail():
    """The simulation sees what it is for."""
    red, green = "#b05a3c", "#6f8038"
    assert np.linalg.norm(lab(red, "usual") - lab(green, "usual")) > 2 * LEAST
    assert np.linalg.norm(lab(red, "deuteranopia") - lab(green, "deuteranopia")) < LEAST


def test_no_two_series_share_dash_and_marker():
    looks = [(style.ROLES[name].dash, style.ROLES[name].marker) for name in style.SERIES]
    assert len(set(looks)) == len(looks)
