#!/usr/bin/env python3
"""Draw docs/house.svg, the picture of the package in CONTRIBUTING.md, from the code: make house."""

from __future__ import annotations

import textwrap
from html import escape
from itertools import pairwise
from string import Template

from tools.rooms import DRAWING, FLOORS, GROUND, LEVEL, ROOT, arrows, label, says

PICTURE = ROOT / "docs" / "house.svg"
FRAME = ROOT / "tools" / "house_frame.svg"  # the roof, the key, and all looks
COLUMN, GAP, LEFT, EAVES = 46, 48, 48, 140  # in pixels, as in house_frame.svg
COLUMNS = {name: columns for floor in FLOORS for name, columns in floor.items()}
# The way of the data, and the functions that it passes.
DATA = ("tasks", "inner", "learners", "outer", "views.traces", "views.scenes", "views.plots")
WAY = (*pairwise(DATA), ("views.scenes", "views.widgets"))
PASSES = {"inner": ["adapt"], "outer": ["meta_loss", "meta_step"], "views.scenes": ["scene"]}


def lines_of(name: str) -> list[str]:
    left, right = COLUMNS[name]
    return textwrap.wrap(says(name), int(((right - left) * COLUMN - 24) / 7.8))


# The top of each floor's boxes and their height: as many lines as its longest text needs.
HEIGHT = [42 + 19 * max(len(lines_of(name)) for name in floor) for floor in FLOORS]
TOP = [EAVES + 20 + sum(h + GAP for h in HEIGHT[i + 1 :]) for i in range(len(FLOORS))]
TOP[0] -= GAP - 20  # everything stands on the ground


def at(column: float) -> int:
    return round(LEFT + column * COLUMN)


def text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}"' + f' class="{kind}"' * bool(kind) + f">{escape(words)}</text>"


def box(x: int, y: int, width: int, height: int, kind: str) -> str:
    where = f'x="{x}" y="{y}" width="{width}" height="{height}"'
    return f'<rect {where} rx="8" class="{kind}"/>'


def pill(x: int, y: int, words: str) -> tuple[str, int]:
    width = 8 * len(words) + 16
    middle = text(x + width // 2, y + 15, words, "function middle")
    return box(x, y, width, 21, "pill") + middle, width


def draw_room(name: str) -> list[str]:
    (left, right), level = COLUMNS[name], LEVEL[name]
    kind = "draws" if name in DRAWING else "ground" if name == GROUND else "computes"
    x, y = at(left), TOP[level]
    drawn = [
        box(x, y, at(right) - x, HEIGHT[level], kind),
        text(x + 12, y + 25, label(name), "name"),
    ]
    pill_x = x + 26 + round(9.7 * len(label(name)))
    for function in PASSES.get(name, ()):
        made, width = pill(pill_x, y + 9, function)
        drawn, pill_x = [*drawn, made], pill_x + width + 6
    return drawn + [text(x + 12, y + 46 + 19 * i, line) for i, line in enumerate(lines_of(name))]


def free(low: str, high: str) -> tuple[float, float] | None:
    """The widest stretch of columns that both rooms span and no room between them stands in."""
    left = max(COLUMNS[low][0], COLUMNS[high][0])
    right = min(COLUMNS[low][1], COLUMNS[high][1])
    gaps = []
    between = [c for floor in FLOORS[LEVEL[low] + 1 : LEVEL[high]] for c in floor.values()]
    for start, end in sorted(between):
        gaps.append((left, min(start, right)))
        left = max(left, end)
    gap = max([*gaps, (left, right)], key=lambda gap: gap[1] - gap[0])
    return gap if gap[0] < gap[1] else None


def straight(start: str, end: str, share: float) -> list[tuple[int, int]] | None:
    """From room to room, level or upright, at that share of the free way; None if there is none."""
    if LEVEL[start] == LEVEL[end]:
        y = TOP[LEVEL[start]] + round(HEIGHT[LEVEL[start]] * share)
        right = COLUMNS[start] < COLUMNS[end]
        return [(at(COLUMNS[start][right]), y), (at(COLUMNS[end][not right]), y)]
    high, low = sorted((start, end), key=LEVEL.get, reverse=True)
    way = free(low, high)
    if way is None:
        return None
    x = at(way[0] + share * (way[1] - way[0]))
    down = [(x, TOP[LEVEL[high]] + HEIGHT[LEVEL[high]]), (x, TOP[LEVEL[low]])]
    return down if start == high else down[::-1]


def bent(start: str, end: str, drawn: dict[tuple[str, str], list]) -> list[tuple[int, int]]:
    """Where no straight way is free: down, across beneath the room, and down. It takes up the
    straight arrows that leave the one room and reach the other, where there are some."""
    leaving = [p[0][0] for (a, b), p in drawn.items() if a == start and LEVEL[b] < LEVEL[a]]
    reaching = [p[-1][0] for (a, b), p in drawn.items() if b == end and LEVEL[b] < LEVEL[a]]
    x0 = (leaving or [at(sum(COLUMNS[start]) / 2)])[0]
    x1 = (reaching or [at(sum(COLUMNS[end]) / 2)])[0]
    y = TOP[LEVEL[start]] + HEIGHT[LEVEL[start]]
    return [(x0, y), (x0, y + GAP // 2), (x1, y + GAP // 2), (x1, TOP[LEVEL[end]])]


def line(kind: str, points: list[tuple[int, int]]) -> str:
    """A polyline with a head, which ends at the last of its points."""
    path = "M" + " L".join(f"{x} {y}" for x, y in points)
    return f'<path d="{path}" class="{kind}" marker-end="url(#{kind}-head)"/>'


def draw_ways() -> list[str]:
    """The imports, then the data over them; where both join two rooms, side by side."""
    ways, rest = {}, []
    for start, end in arrows():
        beside = (start, end) in WAY or (end, start) in WAY
        points = straight(start, end, 0.3 if beside else 0.5)
        if points:
            ways[start, end] = points
        else:
            rest.append((start, end))
    imports = [*ways.values(), *(bent(*pair, ways) for pair in rest)]
    data = [straight(*pair, 0.7) for pair in WAY]
    return [line("import", points) for points in imports] + [line("data", p) for p in data]


def describe() -> str:
    """The picture in words."""
    floors = "; ".join(", ".join(label(name) for name in floor) for floor in reversed(FLOORS))
    imports = ", ".join(f"{label(a)} from {label(b)}" for a, b in arrows())
    data = ", ".join(label(name) for name in (*DATA, "views.widgets"))
    return f"Floors from the top down: {floors}. Imports: {imports}. The data passes {data}."


def draw() -> str:
    tall = TOP[0] + HEIGHT[0] + 48
    rooms = [part for name in LEVEL for part in draw_room(name)]
    places = {"tall": tall, "page": tall - 2, "ground": TOP[0] + 9, "key": TOP[3] + 14}
    drawn = {"ways": "\n".join(draw_ways()), "rooms": "\n".join(rooms)}
    frame = Template(FRAME.read_text("utf-8"))
    return frame.substitute(places, **drawn, words=escape(describe()))


if __name__ == "__main__":
    PICTURE.write_text(draw(), "utf-8")
    print(f"wrote {PICTURE.relative_to(ROOT)}")
