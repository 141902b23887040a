"""An objective over two parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.func import vmap

from maml_edu.views.scenes import PlaneTrace
from maml_edu.views.traces.arrays import as_array


def plane(
    objective: Callable[[Tensor], Tensor],
    theta: Tensor,
    *,
    arrows: Mapping[str, Tensor],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    resolution: int = 61,
    paths: Mapping[str, Tensor] | None = None,
    points: Mapping[str, Tensor] | None = None,
    **labels: str,
) -> PlaneTrace:
    """An objective over two parameters, (2,) -> a scalar, on a grid, with arrows from theta (2,).

    arrows, points: name -> (2,); paths: name -> (steps + 1, 2).
    resolution: of the grid, along each side. labels: `x_label`, `y_label`, `title`.
    """
    xs, ys = (torch.linspace(*r, resolution, dtype=theta.dtype) for r in (x_range, y_range))
    grid = torch.cartesian_prod(ys, xs).flip(1)  # rows of (x, y), y outermost
    height = vmap(objective)(grid).reshape(resolution, resolution)
    groups = [
        {name: as_array(value) for name, value in (group or {}).items()}
        for group in (arrows, paths, points)
    ]
    return PlaneTrace(*map(as_array, (xs, ys, height, theta)), *groups, **labels)
