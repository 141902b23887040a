"""What the browser runs: made of the sources beside it, small, and asking nobody outside."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import maml_edu.views.widgets

WIDGETS = Path(maml_edu.views.widgets.__file__).parent
PARTS = {
    "player": ["src/*"],
    "draw": ["draw/*", "src/*"],
    "quiz": ["quiz/*", "src/dom.js"],
    "by_hand": ["by_hand/*", "src/*"],
}
LIMITS = {"player": 90_000, "draw": 90_000, "quiz": 15_000, "by_hand": 90_000}  # bytes


@pytest.mark.parametrize("name", PARTS)
def test_a_bundle_is_made_of_its_sources(name):
    """As js/build.mjs hashes them; if this fails, run `make bundle`."""
    js = WIDGETS / "js"
    sources = [path for part in PARTS[name] for path in sorted(js.glob(part))]
    digest = hashlib.sha256()
    for path in [js / "package.json", *sources]:
        digest.update(f"{path.relative_to(js).as_posix()}\n".encode() + path.read_bytes())
    bundle = (WIDGETS / "static" / f"{name}.js").read_text("utf-8")
    assert f"sources sha256 {digest.hexdigest()}" in bundle.splitlines()[0]


@pytest.mark.parametrize("name", LIMITS)
def test_a_bundle_is_small_and_asks_nobody(name):
    text = "".join(
        (WIDGETS / "static" / f"{name}.{kind}").read_text("utf-8") for kind in ("js", "css")
    )
    assert len(text.encode()) <= LIMITS[name]
    places = set(re.findall(r"https?://[^\"'`\s]+", text))
    assert all(place.startswith("http://www.w3.org/") for place in places), places  # namespaces
