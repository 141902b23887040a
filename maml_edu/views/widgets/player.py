"""The player: a trace to scrub in the browser; new traces are computed here on request.

When a control moves, the browser sends `{"type": "set", "seq": n, "values": {...}}`. Python
replaces `scene`, or says in `status` why not, and sets `answered` to n. The browser waits for that
before it sends the latest of the requests that wait.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from maml_edu.views.scenes import Scene, check_step, scene
from maml_edu.views.widgets.controls import Control

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STATIC = Path(__file__).parent / "static"


# A scene goes to the browser as one string: the messaging handles it faster than nested dicts. Only
# Python makes scenes, so one that comes back from the browser changes nothing.
SCENE = {
    "sync": True,
    "to_json": lambda made, widget: as_text(made.as_json()),
    "from_json": lambda text, widget: widget.scene,
}


def as_text(data: dict) -> str:
    """Strict JSON without spaces."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


class Described(anywidget.AnyWidget):
    """A widget with the text of its `describe()` for readers without JavaScript."""

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict, dict]:
        made = super()._repr_mimebundle_(**options)
        data, metadata = made if isinstance(made, tuple) else (made or {}, {})
        return {**data, "text/plain": self.describe()}, metadata


class Player(Described):
    """Scrubs one trace (see `views.scenes`) in the browser, without asking the kernel.

    `trace` is what it shows; `step` the frame, 0 to the last: set it in Python, or move it in the
    browser. A step beyond the ends becomes the nearest.
    Readers without JavaScript see the text of `describe()`; `picture()` makes a still picture.
    """

    _esm = STATIC / "player.js"
    _css = STATIC / "player.css"

    scene = traitlets.Instance(Scene).tag(**SCENE)
    step = traitlets.Int(0).tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, trace: Any, step: int = 0, **traits: Any) -> None:
        self.trace, first = trace, scene(trace)
        super().__init__(scene=first, step=check_step(step, first.frames), **traits)

    @traitlets.validate("step")
    def _within(self, proposal: dict) -> int:
        return min(max(proposal["value"], 0), self.scene.frames - 1)

    def show(self, trace: Any) -> None:
        """Replace what is shown by another trace; the step stays where it can."""
        new = scene(trace)  # before anything changes: a trace that fails leaves the old picture
        self.trace = trace
        with self.hold_sync():
            self.scene = new
            self.step = min(self.step, new.frames - 1)

    def describe(self) -> str:
        """What is shown now, in words."""
        return self.scene.summary[self.step]

    def picture(self) -> "Figure":
        """What is shown now, as a still figure: in a notebook an image, with `savefig` a file."""
        from maml_edu.views import plots  # only when asked: it loads matplotlib

        return plots.picture(self.scene, self.step)


class Explorer(Player):
    """A player that computes another trace when a control moves. Made by `explore`."""

    def __init__(self, compute: Callable[..., Any], controls: dict[str, Control]) -> None:
        self._compute, self._controls = compute, controls
        values = {name: control.value for name, control in controls.items()}
        drawn = [control.as_json(name) for name, control in controls.items()]
        super().__init__(self._computed(values), controls=drawn, values=values)
        self.on_msg(self._asked)

    def set(self, **values: Any) -> None:
        """Move controls from Python. An error is shown in the widget, and raised here too."""
        try:
            with self.hold_sync():
                self._apply(values)
                self.status = ""
        except Exception as error:
            self.status = sentence(error)
            raise

    def _apply(self, values: dict[str, Any]) -> None:
        if unknown := sorted(set(values) - set(self._controls)):
            allowed = ", ".join(self._controls)
            raise ValueError(f"there is no control {unknown[0]!r}; the controls are {allowed}")
        checked = {name: self._controls[name].check(name, value) for name, value in values.items()}
        moved = {**self.values, **checked}
        self.show(self._computed(moved))
        self.values = moved

    def _computed(self, values: dict[str, Any]) -> Any:
        given = {name: self._controls[name].given(value) for name, value in values.items()}
        return self._compute(**given)

    def _asked(self, _widget: object, content: dict, _buffers: object) -> None:
        """Answer a request of the browser, even when the computation fails."""
        if content.get("type") != "set":
            return
        try:
            self.set(**content.get("values", {}))
        except Exception:
            pass  # `set` has put it into `status`, which the reader sees
        finally:
            self.answered = int(content.get("seq", 0))


def explore(compute: Callable[..., Any], **controls: Control) -> Explorer:
    """A player over `compute(**values) -> trace`, with one control per keyword::

        inner_lr = Slider("inner_lr", 1e-3, 1, log=True)
        explore(lambda inner_lr: trace_of(inner_lr), inner_lr=inner_lr)

    `compute` runs the real network. It is called once now, and again when a control moves.
    TypeError for a control that is not a Slider, Choice or Toggle.
    """
    for name, control in controls.items():
        if not isinstance(control, Control):
            raise TypeError(f"{name} is {control!r}; it must be a Slider, Choice or Toggle")
    return Explorer(compute, controls)


def sentence(error: Exception) -> str:
    """An exception as one sentence for the reader."""
    text = " ".join(str(error).split()) or "the computation failed without saying why"
    return text[:300] if isinstance(error, ValueError) else f"{type(error).__name__}: {text[:300]}"
