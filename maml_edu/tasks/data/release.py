"""Omniglot's release, and how to recognise it (Lake, Salakhutdinov & Tenenbaum 2015)."""

from __future__ import annotations

from dataclasses import dataclass

URL = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
MAX_BYTES = 50 * 2**20  # of one zip; the larger of the two has 9 MiB


@dataclass(frozen=True)
class Part:
    """One of the release's zips, and how to recognise it.

    md5: of the zip file, as released. characters: how many it holds. content: the SHA-256 of its
    names and pixels (see `maml_edu.tasks.data.archive`), which stays when they are zipped again.
    """

    md5: str
    characters: int
    content: str


RELEASE: dict[str, Part] = {
    "images_background.zip": Part(
        "68d2efa1b9178cc56df9314c21c6e718",
        964,
        "510df825c90f405c4b684fa875722e346bd1f32b4fd5683e5d7def8c8e48b698",
    ),
    "images_evaluation.zip": Part(
        "6b91aef0f799c5bb55b94e3f2daec811",
        659,
        "4035852ce608d699db0d00fafde499ac3c034352cc2906db73b7375faa3bd16d",
    ),
}
