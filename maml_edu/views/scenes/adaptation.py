"""The scene of one learner adapting: function, losses and path at every inner step."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import axes, finish, marks, scene
from maml_edu.views.scenes.records import AdaptationTrace


@scene.register
def adaptation(trace: AdaptationTrace) -> dict:
    """Three panels: `function` (main), `losses` and `path`; a frame per inner step."""
    gone = first_diverged(trace)
    panels = [function(trace, gone), losses(trace, gone), path(trace, gone)]
    rate = "learned inner_lr" if trace.inner_lr is None else f"inner_lr {trace.inner_lr:.3g}"
    steps = range(trace.inner_steps + 1)
    summary = [_summary(trace, step, rate, gone) for step in steps]
    return finish(f"{trace.learner}, {rate}", panels, summary)


def function_axes(traces: tuple[AdaptationTrace, ...]) -> tuple[dict, dict]:
    """Axes that hold the task's data, and each learner's function unless it runs far away."""
    first = traces[0]
    fixed = [first.support_y, first.query_y]
    if first.true_curve is not None:
        fixed.append(first.true_curve)
    low, high = axes.finite_range(*fixed)
    reach = 20 * max(high - low, 0.1)  # a theta beyond that is itself off the picture
    fixed += [np.clip(t.curves[0], low - reach, high + reach) for t in traces]
    x = axes.axis("x", axes.finite_range(first.grid_x, first.support_x, first.query_x))
    return x, axes.value_axis("y", fixed, [t.curves for t in traces])


def first_diverged(trace: AdaptationTrace, on: tuple[dict, dict] | None = None) -> int | None:
    """The first inner step that the picture cannot hold, or None.

    That is a step where something is not finite, most of the function lies outside the axes, or a
    loss is over 100 times what it was at theta.
    """
    low, high = (on or function_axes((trace,)))[1]["domain"]
    curves = np.where(np.isfinite(trace.curves), trace.curves, np.inf)
    outside = ((curves < low) | (curves > high)).mean(1) > 0.5
    both = [trace.support_loss, trace.query_loss]
    outside |= ~(np.maximum(*both) <= axes.loss_cap(both))
    outside |= ~np.isfinite(trace.curves).all(1)
    return int(np.argmax(outside)) if outside.any() else None


def until(gone: int | None, values: np.ndarray) -> np.ndarray:
    """Per-step `values` with those after step `gone` blanked: the way out is drawn, no further."""
    values = np.array(values, dtype=float)
    if gone is not None:
        values[gone + 1 :] = np.nan
    return values


def divergence_notes(gone: int | None, frames: int) -> list[str | None]:
    """What a panel says at each frame about a run that left it at step `gone`."""
    text = f"diverged: left the picture at step {gone}"
    return [text if gone is not None and step >= gone else None for step in range(frames)]


def function(trace: AdaptationTrace, gone: int | None) -> dict:
    """The network's function at each step over the task's own, with support and query points."""
    on = function_axes((trace,))
    drawn = task_marks(trace, on)
    drawn.insert(1, marks.line("theta", "at theta (step 0)", trace.grid_x, trace.curves[0], on))
    curves = until(gone, trace.curves)
    drawn.insert(2, marks.line("adapted", "adapted", trace.grid_x, curves, on))
    alt = []
    for step, curve in enumerate(trace.curves):
        low, high = (marks.said(v) for v in axes.finite_range(curve))
        where = f"runs from y = {low} to {high}" if np.isfinite(curve).all() else "is not finite"
        alt.append(f"The {trace.learner} function after inner step {step} {where}, "
                   f"over {len(trace.support_x)} support points.")  # fmt: skip
    notes = divergence_notes(gone, len(trace.curves))
    return marks.panel("function", "Function", *on, drawn, alt, notes=notes)


def task_marks(trace: AdaptationTrace, on: tuple[dict, dict]) -> list[dict]:
    """What belongs to the task, whoever learns it: its function, its query and support points."""
    drawn = []
    if trace.true_curve is not None:
        drawn.append(marks.line("truth", "the task", trace.grid_x, trace.true_curve, on))
    drawn.append(marks.points("query", "query points", trace.query_x, trace.query_y, on))
    drawn.append(marks.points("support", "support points", trace.support_x, trace.support_y, on))
    return drawn


def losses(trace: AdaptationTrace, gone: int | None) -> dict:
    """Support and query loss against the inner step."""
    named = {"support": trace.support_loss, "query": trace.query_loss}
    steps = np.arange(trace.inner_steps + 1)
    on = axes.step_axis(trace.inner_steps), axes.loss_axis(list(named.values()))
    drawn = [
        marks.trail(role, role, steps, loss, on, readout=[marks.said(v) for v in loss])
        for role, loss in named.items()
    ]
    alt = [
        f"Support loss {marks.said(a)} and query loss {marks.said(b)} at inner step {step}."
        for step, (a, b) in enumerate(zip(*named.values(), strict=True))
    ]
    notes = divergence_notes(gone, len(steps))
    return marks.panel(
        "losses", "Loss (mean squared error)", *on, drawn, alt, place="side", notes=notes
    )


def path(trace: AdaptationTrace, gone: int | None) -> dict:
    """The way of the parameters in the plane that holds most of it."""
    shown = trace.path[: max(gone, 1)] if gone is not None else trace.path
    share = f"{100 * trace.explained_fraction:.3g}%"
    labels = f"direction 1 (the plane holds {share} of the motion)", "direction 2"
    ranges = (axes.padded(*axes.finite_range(shown[:, i]), by=0.12) for i in (0, 1))
    on = tuple(axes.axis(label, span) for label, span in zip(labels, ranges, strict=True))
    x, y = until(gone, trace.path).T
    drawn = [
        marks.trail("adapted", "adapted", x, y, on),
        marks.points("theta", "theta", x[:1], y[:1], on),
    ]
    alt = [
        f"Step {step}: the parameters are at ({marks.said(a)}, {marks.said(b)}) in a plane that "
        f"holds {share} of their motion."
        for step, (a, b) in enumerate(trace.path)
    ]
    notes = divergence_notes(gone, len(x))
    return marks.panel("path", "Path of the parameters", *on, drawn, alt, place="side", notes=notes)


def _summary(trace: AdaptationTrace, step: int, rate: str, gone: int | None) -> str:
    said = marks.said
    text = (
        f"{trace.learner} with {rate}, inner step {step} of {trace.inner_steps}, "
        f"{len(trace.support_x)} support points: "
        f"support loss {said(trace.support_loss[step])}, query loss {said(trace.query_loss[step])}"
    )
    if step:
        text += f" (at theta {said(trace.support_loss[0])} and {said(trace.query_loss[0])})"
    note = divergence_notes(gone, step + 1)[step]
    return f"{text}; {note}." if note else f"{text}."
