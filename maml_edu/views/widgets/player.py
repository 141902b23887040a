"""The player: a whole trajectory, scrubbed in the browser; new ones are computed here on request.

The way of a request: a control moves in the browser, which sends `{"type": "set", "seq": n,
"values": {...}}`, one at a time, and of those that wait only the last. Python computes, replaces
`scene` or says in `status` why it could not, and sets `answered` to n; then the next may come.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from maml_edu.views.scenes import check_step, scene
from maml_edu.views.widgets.controls import Control

STATIC = Path(__file__).parent / "static"


def _as_text(value: dict, _widget: object) -> str:
    """A scene on its way to the browser: one string, which the messaging need not walk through."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _from_text(value: str, _widget: object) -> dict:
    return json.loads(value)


class Player(anywidget.AnyWidget):
    """Scrubs one record (see `views.scenes.records`) in the browser, without asking the kernel.

    `record` is what it shows; `step` the frame, 0 to the last. Set `step` in Python and the picture
    moves; move it in the browser and `step` follows. A step beyond the ends becomes the nearest.
    """

    _esm = STATIC / "player.js"
    _css = STATIC / "player.css"

    scene = traitlets.Dict().tag(sync=True, to_json=_as_text, from_json=_from_text)
    step = traitlets.Int(0).tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, record: Any, step: int = 0, **traits: Any) -> None:
        first = scene(record)
        self.record = record
        check_step(step, first["frames"])
        super().__init__(scene=first, step=step, **traits)

    @traitlets.validate("step")
    def _within(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.scene["frames"] - 1)

    def show(self, record: Any) -> None:
        """Replace what is shown by another record; the step stays where it can."""
        new = scene(record)  # before anything changes: a record that fails leaves the old picture
        self.record = record
        with self.hold_sync():
            self.scene = new
            self.step = min(self.step, new["frames"] - 1)

    def describe(self) -> str:
        """What is shown now, in words."""
        return self.scene["summary"][self.step]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and beside it a picture and a text for readers without JavaScript."""
        from maml_edu.views import plots  # only when shown: it loads matplotlib

        made = super()._repr_mimebundle_(**options)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        image = plots.png(plots.from_scene(self.scene, self.step))
        data = {**data, "image/png": image, "text/plain": self.describe()}
        return data, metadata


class Explorer(Player):
    """A player whose record is checkpointed when a control moves. Made by `explore`."""

    def __init__(self, compute: Callable[..., Any], controls: dict[str, Control]) -> None:
        self._compute = compute
        self._controls = controls
        values = {name: control.value for name, control in controls.items()}
        record = compute(**self._given(values))
        super().__init__(
            record,
            controls=[control.as_json(name) for name, control in controls.items()],
            values=values,
        )
        self.on_msg(self._asked)

    @property
    def ends(self) -> dict[str, tuple[Any, Any]]:
        """The lowest and highest value, or first and last option, of each control, by its name."""
        return {name: control.ends for name, control in self._controls.items()}

    def set(self, **values: Any) -> None:
        """Move controls from Python. What goes wrong is said in the widget and raised here too."""
        try:
            with self.hold_sync():
                checked = {**self.values, **self._checked(values)}
                self.show(self._compute(**self._given(checked)))
                self.values = checked
                self.status = ""
        except Exception as error:
            self.status = sentence(error)
            raise

    def _checked(self, values: dict[str, Any]) -> dict[str, Any]:
        unknown = set(values) - set(self._controls)
        if unknown:
            raise ValueError(
                f"there is no control {sorted(unknown)[0]!r}; there are {', '.join(self._controls)}"
            )
        return {name: self._controls[name].check(name, value) for name, value in values.items()}

    def _given(self, values: dict[str, Any]) -> dict[str, Any]:
        return {name: self._controls[name].given(value) for name, value in values.items()}

    def _asked(self, _widget: object, content: dict, _buffers: object) -> None:
        """Answer a request of the browser: always, also when the computation fails."""
        if content.get("type") != "set":
            return
        try:
            self.set(**content.get("values", {}))
        except Exception:
            pass  # `set` put it into `status`, where the reader sees it
        finally:
            self.answered = int(content.get("seq", 0))


def explore(compute: Callable[..., Any], **controls: Control) -> Explorer:
    """A player over `compute(**values) -> record`, with one control per keyword::

        inner_lr = Slider("inner_lr", 1e-3, 1, log=True)
        explore(lambda inner_lr: trace_of(inner_lr), inner_lr=inner_lr)

    `compute` runs the real network. It is called once now, and again when a control moves.
    TypeError for a control that is none of Slider, Choice and Toggle.
    """
    for name, control in controls.items():
        if not isinstance(control, Control):
            raise TypeError(f"{name} is {control!r}; allowed are Slider, Choice and Toggle")
    return Explorer(compute, controls)


def sentence(error: Exception) -> str:
    """An exception as one sentence for the reader."""
    text = " ".join(str(error).split()) or "the computation failed without saying why"
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    return f"{kind}{text[:300]}"
