"""How each role in a picture looks: one table, read by the print pictures and by the player.

The hues are Okabe and Ito's (2008), made for the common kinds of colour blindness, but darker or
lighter where a line would fall under a contrast of 3:1 on its page. Colour never stands alone:
roles that share a panel also differ in dash or in marker.
"""

from dataclasses import dataclass, replace

LIGHT_PAGE = "#ffffff"
DARK_PAGE = "#111111"


@dataclass(frozen=True)
class Role:
    """The look of one role; lengths are in points (pixels on the screen)."""

    colour: str  # on a light page
    dark: str  # on a dark page
    dash: tuple[float, ...] = ()  # on, off, on, off ...; empty: solid
    marker: str = "circle"  # circle, square, diamond, triangle, cross, star
    width: float = 2.0
    filled: bool = True
    size: float = 7.0  # of the marker, across


ROLES: dict[str, Role] = {
    "truth": Role("#3b3b3b", "#d9d9d9", (7, 4), "cross", 1.8),
    "theta": Role("#767676", "#a3a3a3", (2, 3), "square", 2.0, filled=False, size=9),
    "adapted": Role("#0072b2", "#56b4e9", (), "triangle", 2.8, size=9),
    "support": Role("#d55e00", "#e8772e", (), "circle", 2.2, size=10),
    "query": Role("#00825f", "#2bc29a", (6, 3), "diamond", 1.8, filled=False, size=6),
    "contour": Role("#8a8a8a", "#7d7d7d", (), "circle", 0.8),
    "series-1": Role("#0072b2", "#56b4e9", (), "triangle", 2.8, size=9),
    "series-2": Role("#b0508a", "#cc79a7", (8, 3), "square", 2.4, size=8),
    "series-3": Role("#7a4f00", "#e69f00", (8, 3, 2, 3), "diamond", 2.4, size=9),
    "series-4": Role("#00825f", "#2bc29a", (3, 3), "cross", 2.4, size=9),
    "series-5": Role("#d55e00", "#e8772e", (14, 4), "star", 2.0, size=10),
    "series-6": Role("#555555", "#bbbbbb", (2, 2, 6, 2), "circle", 2.0, size=8),
}

SERIES = tuple(name for name in ROLES if name.startswith("series-"))

# Samples of a class: its colour and its shape, but small; queries are hollow.
for kind in ("support", "query"):
    for name in SERIES:
        look = replace(ROLES[name], filled=kind == "support", size=5.0)
        ROLES[name.replace("series", kind)] = look


def series(index: int) -> str:
    """The role of the `index`-th of several like things (learners, arrows); repeats after six."""
    return SERIES[index % len(SERIES)]
