"""Does what is drawn on lesson 18's pad look to the networks like Omniglot?

    python -m benchmarks.draw measure   pen, size and place of Omniglot's background drawings
    python -m benchmarks.draw replay    held-out drawings drawn anew in a browser; results/draw.json

Both read Omniglot's two zips in the folder that MAML_EDU_DATA names. `replay` thins drawings of the
test characters to strokes, has a Chromium draw them on the pad, point by point, and lets the full
5-way 1-shot model adapt to what comes back; beside it stand the same tasks from the data's own
images. Nobody thinned what people draw with a mouse, so this measures the way of a drawing from the
pad to the network, not how well people draw.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from maml_edu.tasks.data.load import omniglot_folder

RESULT = Path(__file__).parent.parent / "results" / "draw.json"
BACKGROUND, EVALUATION = "images_background.zip", "images_evaluation.zip"
STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def pages(folder: Path, *zips: str, every: int = 1) -> dict[str, np.ndarray]:
    """Drawings as released: character -> (drawings, 105, 105) bool, True for ink; of each
    character, every so many-th drawing."""
    found: dict[str, list[np.ndarray]] = {}
    for name in zips:
        with zipfile.ZipFile(folder / name) as archive:
            files = sorted(n for n in archive.namelist() if n.endswith(".png"))
            for file in [f for f in files if (int(f[-6:-4]) - 1) % every == 0]:
                ink = ~np.asarray(Image.open(io.BytesIO(archive.read(file))))
                found.setdefault("/".join(file.split("/")[1:3]), []).append(ink)
    return {character: np.stack(drawings) for character, drawings in found.items()}


# What to measure ---------------------------------------------------------------------------------


def line_widths(ink: np.ndarray) -> np.ndarray:
    """(n, side, side) bool -> (n,): the median over a drawing's ink of how wide its line is there,
    the shortest of the runs of ink through that pixel along both axes and both diagonals."""
    runs = [_runs(ink), _runs(ink.swapaxes(1, 2)).swapaxes(1, 2)]
    for slant in (1, -1):  # a diagonal becomes a column when each row is shifted by one more
        n, side, _ = ink.shape
        shifts = np.arange(side) if slant > 0 else np.arange(side)[::-1]
        sheared = np.zeros((n, side, 2 * side), bool)
        for row, shift in enumerate(shifts):
            sheared[:, row, shift : shift + side] = ink[:, row]
        long = _runs(sheared.swapaxes(1, 2)).swapaxes(1, 2)
        back = [long[:, row, shift : shift + side] for row, shift in enumerate(shifts)]
        runs.append(np.stack(back, 1) * 2**0.5)
    widths = np.min(runs, axis=0)
    return np.array([np.median(width[of]) for width, of in zip(widths, ink, strict=True)])


def _runs(ink: np.ndarray) -> np.ndarray:
    """The length of the run of ink along the last axis that each pixel is in; 0 for paper."""
    at = np.arange(ink.shape[-1])
    before = np.maximum.accumulate(np.where(ink, -1, at), -1)
    after = np.minimum.accumulate(np.where(ink, len(at), at)[..., ::-1], -1)[..., ::-1]
    return np.where(ink, after - before - 1, 0)


def boxes(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, side, side) -> the longer side of the ink's box, and x and y of its middle, (n,) each."""
    ends = []
    for axis in (1, 2):
        has = ink.any(axis)
        ends.append((has.argmax(1), ink.shape[1] - has[:, ::-1].argmax(1)))
    (left, right), (top, bottom) = ends
    return np.maximum(right - left, bottom - top), (left + right) / 2, (top + bottom) / 2


def measure(folder: Path) -> None:
    """Print what `maml_edu.views.drawing.strokes` has as its numbers, with how it varies."""
    ink = np.concatenate(list(pages(folder, BACKGROUND).values()))
    some = ink[::10]
    longest, x, y = boxes(ink)
    print(f"{len(ink):,} drawings of {BACKGROUND}, in pixels of a page of {ink.shape[1]}")
    quantiles = (0, 1, 5, 50, 95, 99, 100)
    print(f"{'percentile':<32}{''.join(f'{q:>8}' for q in quantiles)}")
    rows = {
        f"line width (of {len(some):,})": line_widths(some),
        "longer side of the ink's box": longest,
        "x of the box's middle": x,
        "y of the box's middle": y,
    }
    for name, values in rows.items():
        print(f"{name:<32}{''.join(f'{v:8.1f}' for v in np.percentile(values, quantiles))}")


# From pixels to strokes --------------------------------------------------------------------------


def thin(ink: np.ndarray) -> np.ndarray:
    """Lines of one pixel, (n, side, side) bool: Zhang & Suen (1984), all drawings at once."""
    now = np.pad(ink, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    clockwise = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))  # from north
    while True:
        before = now
        for first in (True, False):
            ring = [np.roll(now, shift, (1, 2)) for shift in clockwise]
            north, east, south, west = ring[::2]
            count = np.sum(ring, axis=0)
            turns = sum((a == 0) & (b == 1) for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
            if first:
                edge = (north * east * south == 0) & (east * south * west == 0)
            else:
                edge = (north * east * west == 0) & (north * south * west == 0)
            gone = (now == 1) & (count >= 2) & (count <= 6) & (turns == 1) & edge
            now = np.where(gone, 0, now).astype(np.uint8)
        if np.array_equal(now, before):
            return now[:, 1:-1, 1:-1].astype(bool)


def strokes_of(lines: np.ndarray) -> list[list[tuple[float, float]]]:
    """Strokes (x, y) through all pixels of thinned lines, (side, side), from end to end."""
    all_of_them = {tuple(at) for at in np.argwhere(lines).tolist()}
    left, strokes = set(all_of_them), []

    def near(at: tuple, among: set) -> list[tuple]:
        return [to for step in STEPS if (to := (at[0] + step[0], at[1] + step[1])) in among]

    while left:
        start = min(left, key=lambda at: (len(near(at, left)), at))  # an end, if there is one
        left.discard(start)
        path = [*near(start, all_of_them - left - {start})[:1], start]  # joined to what is drawn
        while onward := near(path[-1], left):
            path.append(onward[0])
            left.discard(onward[0])
        path += near(path[-1], all_of_them - left - set(path[-3:]))[:1]
        strokes.append([(column + 0.5, row + 0.5) for row, column in path])
    return strokes


# Drawn anew in a browser -------------------------------------------------------------------------

# The widget in a page of its own. What it sends to Python is kept, and answered at once.
OPEN = """async ([code, state]) => {
    const module = await import(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
    const listeners = {};
    const tell = name => (listeners['change:' + name] ?? []).forEach(listener => listener());
    const model = {
        get: name => state[name], set: (name, value) => { state[name] = value; },
        save_changes() {}, off() {},
        on: (event, listener) => { (listeners[event] ??= []).push(listener); },
        send(message) {
            window.sent = message.values.drawings;
            state.answered = message.seq;
            setTimeout(() => tell('answered'));
        },
    };
    module.default.render({model, el: document.body});
}"""
DRAW = """async places => {
    const pad = document.querySelector('.maml-draw-pad');
    const tiles = document.querySelectorAll('.maml-draw-places button');
    const fire = (kind, [x, y]) => {
        const box = pad.getBoundingClientRect();
        const at = {clientX: box.x + x / 105 * box.width, clientY: box.y + y / 105 * box.height};
        const how = {bubbles: true, pointerId: 1, isPrimary: true, button: 0, pointerType: 'pen'};
        pad.dispatchEvent(new PointerEvent(kind, {...how, ...at}));
    };
    for (const [place, strokes] of places) {
        tiles[place].click();
        const [clear] = [...document.querySelectorAll('.maml-draw-button')]
            .filter(button => button.textContent === 'Clear');
        clear.click();
        for (const points of strokes) {
            fire('pointerdown', points[0]);
            for (const point of points.slice(1)) fire('pointermove', point);
            fire('pointerup', points.at(-1));
        }
    }
    await new Promise(done => setTimeout(done, 20));
    return window.sent;
}"""


def drawn_by_browser(sets: list[list[list]], widget: Any) -> list[Any]:
    """For each set of strokes, support drawings first and then queries, what the pad gives for each
    query: a `DrawingSet`."""
    from playwright.sync_api import sync_playwright

    from maml_edu.views.drawing.drawing_set import read_drawing_set
    from maml_edu.views.widgets.player import STATIC
    from tests.browser.conftest import FLAGS, find_chromium

    names = ("step", "controls", "values", "status", "palette", "limits", "missing", "answered")
    state = {name: getattr(widget, name) for name in names}
    state["scene"] = widget.get_state("scene")["scene"]
    found = []
    with sync_playwright() as playwright:
        path = find_chromium(playwright)
        if path is None:
            sys.exit("no Chromium found: install chromium or Google Chrome, or set CHROMIUM=/path")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.evaluate(OPEN, [(STATIC / "draw.js").read_text("utf-8"), state])
        page.add_style_tag(content=widget._css)
        way = widget.drawings.way
        for strokes in sets:
            page.evaluate(DRAW, list(enumerate(strokes[:way])))
            for query in strokes[way:]:
                found.append(read_drawing_set(page.evaluate(DRAW, [[way, query]])))
        browser.close()
    return found


def replay(folder: Path, n_sets: int, way: int = 5) -> dict[str, Any]:
    """Accuracy on the pad's drawings and on the data's own images, of the very same tasks."""
    from dataclasses import asdict, replace

    import torch

    from maml_edu.evaluate import Estimate
    from maml_edu.runs import checkpoint
    from maml_edu.runs.measure import hardware, versions
    from maml_edu.tasks import OmniglotTasks
    from maml_edu.views import traces
    from maml_edu.views.drawing import Drawing, DrawingSet
    from maml_edu.views.widgets import Draw

    torch.set_num_threads(1)
    made = checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")
    learners = {"MAML": (replace(made.learner, protocol="support-only"), made.theta)}
    tasks = OmniglotTasks("test", way, rotations=False, source=folder)
    plan = tasks.sample(n_sets, shots=1, queries=1, generator=torch.Generator().manual_seed(0)).info
    ink = pages(folder, BACKGROUND, EVALUATION)

    def as_set(own: list[Drawing], query: int) -> DrawingSet:
        return DrawingSet(tuple((one,) for one in own[:way]), own[way + query])

    def answer(drawings: DrawingSet) -> int:
        return int(traces.drawings(learners, drawings).answers[0, -1])

    sets, own = [], []
    for characters, hands in zip(plan["character"], plan["drawing"], strict=True):
        pairs = [zip(characters.tolist(), hands[:, k].tolist(), strict=True) for k in (0, 1)]
        chosen = [*pairs[0], *pairs[1]]  # the support set, then a query of each class
        page = np.stack([ink[tasks.drawings.names[c]][h] for c, h in chosen])
        sets.append([strokes_of(lines) for lines in thin(page)])
        own.append([Drawing.of_grey(tasks.drawings.images[c, h].numpy()) for c, h in chosen])
    widget = Draw(lambda drawings: traces.drawings(learners, drawings), as_set(own[0], 0))
    by_pad = iter(drawn_by_browser(sets, widget))
    right = {"drawn on the pad": [], "the data's own": []}
    for of_set in own:
        right["drawn on the pad"].append([answer(next(by_pad)) == q for q in range(way)])
        right["the data's own"].append([answer(as_set(of_set, q)) == q for q in range(way)])
    shares = {name: torch.tensor(hits).double().mean(1) for name, hits in right.items()}
    lost = Estimate.of(shares["the data's own"] - shares["drawn on the pad"])
    figures = {name: asdict(Estimate.of(share)) for name, share in shares.items()}
    return {
        "command": f"python -m benchmarks.draw replay --sets {n_sets}",
        "what": f"{n_sets} sets of {way}-way 1-shot, {way} queries each, of Omniglot's test "
        "characters, upright; 3 inner steps, support-only batch-norm; intervals of 95% over sets",
        "model": "omniglot-anil-maml-conv4-5way-1shot",
        "accuracy": figures,
        "lost on the same tasks": asdict(lost),
        "versions": versions(),
        "hardware": hardware("cpu"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("measure", "replay"))
    parser.add_argument("--sets", type=int, default=100, help="how many sets are drawn")
    options = parser.parse_args()
    if omniglot_folder() is None:
        sys.exit("name the folder of Omniglot's two zips in MAML_EDU_DATA")
    folder = omniglot_folder()
    if options.what == "measure":
        return measure(folder)
    found = replay(folder, options.sets)
    for name, figure in [*found["accuracy"].items(), ("lost", found["lost on the same tasks"])]:
        print(f"{name:<18}{100 * figure['mean']:6.2f} ± {100 * figure['half_width']:.2f} %")
    RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"wrote {RESULT.name}")


if __name__ == "__main__":
    main()
