"""Draw your own: a pad and a palette for the drawings of a task, and a player of the result.

After each stroke the browser sends all drawings as a JSON value (see `views.drawing`). While
something is still to be drawn, no network is asked, and the pad says what is missing.
"""

from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from maml_edu.views.drawing import Drawing, DrawingSet
from maml_edu.views.drawing.drawing_set import LIMITS, read_drawing_set
from maml_edu.views.widgets.player import STATIC, Explorer


class Draw(Explorer):
    """A pad for the drawings of an N-way K-shot task, over a player of what `compute` returns.

    compute: a `views.drawing.DrawingSet` with nothing missing -> a trace, by the real networks.
    start: the set that it opens with, with nothing missing.
    palette: drawings to choose from, name -> drawing (default: none).
    `drawings` is the current set; `set(drawings=...)` replaces it.
    """

    _esm = STATIC / "draw.js"
    _css = "\n".join((STATIC / name).read_text("utf-8") for name in ("player.css", "draw.css"))

    palette = traitlets.List().tag(sync=True)
    limits = traitlets.Dict().tag(sync=True)
    missing = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        compute: Callable[[DrawingSet], Any],
        start: DrawingSet,
        palette: Mapping[str, Drawing] | None = None,
    ) -> None:
        if start.missing:
            raise ValueError(f"start lacks {start.missing}; it must be a complete set")
        self.drawings = start
        super().__init__(lambda drawings=start: compute(drawings), {})
        named = (palette or {}).items()
        with self.hold_sync():
            self.values = {"drawings": start.as_json()}
            self.palette = [{"name": name, "drawing": one.as_json()} for name, one in named]
            self.limits = dict(LIMITS)
            self.step = self.scene.frames - 1

    def _apply(self, values: dict[str, Any]) -> None:
        """Replace the drawings by a DrawingSet, or by the JSON value of one."""
        if set(values) != {"drawings"}:
            raise ValueError(f"there is {', '.join(values) or 'nothing'}; it must be drawings")
        given = values["drawings"]
        drawings = given if isinstance(given, DrawingSet) else read_drawing_set(given)
        if not drawings.missing:
            self.show(self._compute(drawings))
        self.drawings, self.missing = drawings, drawings.missing
        self.values = {"drawings": drawings.as_json()}

    def describe(self) -> str:
        """What is drawn, and what the networks answer, in words."""
        said = f"Still to be drawn: {self.missing}." if self.missing else super().describe()
        return f"A pad to draw on, {self.drawings.way}-way {self.drawings.shots}-shot. {said}"
