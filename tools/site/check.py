"""Look at every page as a reader would: from a file, in light and dark, on a phone and a screen.

    python -m tools.site.check [FOLDER] [--pages 02 api]

Fails on errors in the console, requests to outside, serious findings of axe-core, links that lead
nowhere, pages wider than their window, widgets that are not drawn, and a site that is too large.
"""

from __future__ import annotations

import argparse
import html.parser
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, sync_playwright

from tests.browser.conftest import FLAGS, find_chromium
from tools.site.executed import ROOT

MOST_MEGABYTES = 60
SCREENSHOTS = ROOT / "screenshots" / "site"
AT_ONCE = 2  # browsers
SECONDS_FOR_A_PAGE = 600  # on a busy machine
SCHEMES = ("light", "dark")
WINDOWS = {"phone": (390, 844), "desktop": (1280, 900)}
WITH_AXE = {("light", "phone"), ("dark", "desktop")}  # both themes, both windows, half the time
HERE = {"file", "data", "blob", "about"}
DRAWN = """() => [...document.querySelectorAll('.maml-live')].every(
    place => place.querySelector('.maml-player svg, .maml-player img, .maml-quiz img, canvas'))
    && (!window.MathJax?.startup?.promise || window.mathDone
        || (MathJax.startup.promise.then(() => { window.mathDone = true; }), false))"""


class Links(html.parser.HTMLParser):
    """What a page refers to, and what in it can be referred to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.add(value)
            if name in ("id", "name") and value:
                self.anchors.add(value)


def broken_links(site: Path) -> Iterator[str]:
    """Each reference within the site to a file or an anchor that is not there."""
    pages = {path: Links(path.read_text("utf-8")) for path in site.rglob("*.html")}
    for path, links in pages.items():
        for target in sorted(links.targets):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            where = f"{path.relative_to(site)}: {target}"
            if target.startswith("/") or not file.is_file():
                yield f"{where} leads nowhere"
            elif file in pages and unquote(parts.fragment) not in {"", *pages[file].anchors}:
                yield f"{where} has no such anchor"


def moves(player: Locator) -> bool:
    """Whether a step taken by keyboard changes its picture: nothing but the page itself helps."""
    picture = "el => [...el.querySelectorAll('svg')].map(svg => svg.innerHTML).join()"
    seen = []
    for key in ("Home", "End"):
        player.locator("input.maml-step").press(key)
        player.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        seen.append(player.evaluate(picture))
    return seen[0] != seen[1]


def learns(hand: Locator) -> bool:
    """Whether networks learn from points that are added: no kernel does it for them."""
    seen = []
    for _ in range(2):
        hand.get_by_role("button", name="Add point").click()
        seen.append(hand.locator("tbody").inner_text())
    return seen[0] != seen[1]


def look_at(page: Page, path: Path, picture: Path, *, axe: bool) -> Iterator[str]:
    """What is wrong with one page in one window and theme; and its picture."""
    said: list[str] = []
    console = lambda m: said.append(f"console: {m.text}") if m.type == "error" else None  # noqa: E731
    failed = lambda error: said.append(f"error: {error}")  # noqa: E731
    asked = lambda r: said.append(f"asks {r.url}") if urlsplit(r.url).scheme not in HERE else None  # noqa: E731
    listeners = {"console": console, "pageerror": failed, "request": asked}
    for event, listener in listeners.items():
        page.on(event, listener)
    page.goto(path.as_uri() + "?q=gradient" * (path.stem == "search"))
    try:
        page.wait_for_function(DRAWN)
    except Exception:
        said.append("a widget is not drawn, or MathJax has not come to its end")
    page.screenshot(path=picture, full_page=True, animations="disabled")
    players = page.locator(".maml-player", has=page.locator("input.maml-step:visible"))
    if players.count() and not moves(players.first):
        said.append("its first player does not move")
    hands = page.locator(".maml-hand")
    if hands.count() and not learns(hands.first):
        said.append("nobody learns from its points")
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    if wide > 1:
        said.append(f"wider than its window by {wide} pixels")
    # axe-core itself asks for stylesheets again, which a file may not.
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    for rule in Axe().run(page).response["violations"] if axe else ():
        if rule["impact"] in ("serious", "critical"):
            nodes = rule["nodes"]
            said.append(f"axe {rule['id']}, {len(nodes)} times: {nodes[0]['html'][:160]}")
    yield from said


def look_at_all(chromium: str, scheme: str, window: str, pages: list[Path]) -> list[str]:
    """What is wrong with the pages in one theme and one window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        width, height = WINDOWS[window]
        size = {"width": width, "height": height}
        tab = browser.new_context(viewport=size, color_scheme=scheme).new_page()
        tab.set_default_timeout(1000 * SECONDS_FOR_A_PAGE)
        found, axe = [], (scheme, window) in WITH_AXE
        for path in pages:
            name = f"{path.stem}-{scheme}-{window}"
            said = look_at(tab, path, SCREENSHOTS / f"{name}.png", axe=axe)
            found += [f"{name}: {problem}" for problem in said]
        browser.close()
    return found


def main(site: Path, only: list[str] | None = None) -> int:
    """Print each finding and a summary; 1 if there is any."""
    found = list(broken_links(site))
    megabytes = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6
    if megabytes > MOST_MEGABYTES:
        found.append(f"the site has {megabytes:.1f} MB; {MOST_MEGABYTES} are allowed")
    pages = sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)
    pages = [path for path in pages if not only or any(part in path.name for part in only)]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = find_chromium(playwright)
    if chromium is None:
        print("No Chromium or Chrome was found, so no page was opened.")
        return int(bool(found or os.environ.get("MAML_EDU_REQUIRE_BROWSER")))
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as pool:
        looks = [
            pool.submit(look_at_all, chromium, *how, pages) for how in product(SCHEMES, WINDOWS)
        ]
        for look in looks:
            found += look.result()
    for problem in found:
        print(problem)
    print(f"{len(pages)} pages, each four times; {megabytes:.1f} MB; {len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--pages", nargs="*", help="parts of names of pages; all if not given")
    options = parser.parse_args()
    sys.exit(main(options.site.resolve(), options.pages))
