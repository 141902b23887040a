"""Lesson 11: what a pen inks, where a drawing goes, and a head for any number of ways."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from maml_edu.exercises.judge import Verdict, judge

__all__ = ["check_head_for", "check_ink", "check_placed"]


# What a pen inks ---------------------------------------------------------------------------------


def _ink_with(
    *, low: float | None = 0.0, high: float | None = 1.0, reach: float = 0.5, ends: bool = False,
    square: bool = False, dots: bool = True,
) -> Callable:  # fmt: skip
    """Which points are under a pen that went straight from a to b, right unless asked otherwise."""

    def ink(points: Tensor, a: Tensor, b: Tensor, width: float) -> Tensor:
        along = b - a
        length = along @ along
        share = (points - a) @ along / (length.clamp_min(1e-12) if dots else length)
        if low is not None or high is not None:
            share = share.clamp(low, high)
        apart = points - (a + share[:, None] * along)
        if ends:
            apart = torch.where((share < 0.5)[:, None], points - a, points - b)
        far = apart.abs().amax(1) if square else apart.norm(dim=1)
        return far <= reach * width

    return ink


INK_MISTAKES = {
    "this inks the whole straight line through a and b; the pen was put down at a and lifted at b, "
    "so keep the share between 0 and 1": _ink_with(low=None, high=None),
    "the line goes on beyond b: keep the share at 1 or below": _ink_with(high=None),
    "the line begins before a: keep the share at 0 or above": _ink_with(low=None),
    "this inks as far as a whole width from the line; half of it lies on either side": _ink_with(
        reach=1.0
    ),
    "this inks two dots, at a and at b, and nothing between them": _ink_with(ends=True),
    "this is a square pen: take the distance, the root of the sum of squares": _ink_with(
        square=True
    ),
    "a dot, where a and b are the same point, is left white: 0 / 0 is nan, and no nan is below "
    "anything": _ink_with(dots=False),
}


def check_ink(attempt: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> Verdict:
    """`attempt(points, a, b, width)`, points (n, 2), a and b (2,), -> (n,) bool: within half a
    width of the straight way from a to b."""
    problems = []
    generator = torch.Generator().manual_seed(0)
    for apart, width in [(6.0, 3.0), (0.0, 4.0), (3.0, 5.0), (9.0, 2.0)]:
        points = 12 * torch.rand(300, 2, generator=generator, dtype=torch.float64)
        a = 3 + 6 * torch.rand(2, generator=generator, dtype=torch.float64)
        turn = 6 * torch.rand((), generator=generator, dtype=torch.float64)
        b = a + apart * torch.stack([turn.cos(), turn.sin()])
        problems.append((points, a, b, width))
    praise = "right: a line with round ends, and a dot is one too"
    return judge(attempt, _ink_with(), INK_MISTAKES, problems, praise=praise)


# Where a drawing goes ----------------------------------------------------------------------------


def _placed_with(
    *, middle: str = "box", always: bool = False, away: bool = False, each: bool = False,
    move: bool = True,
) -> Callable:  # fmt: skip
    """The points where the middle of their box is usual, right unless a mistake is asked for."""

    def placed(points: Tensor, least: Tensor, most: Tensor) -> Tensor:
        if each:
            return points.clamp(least, most)
        low, high = points.amin(0), points.amax(0)
        now = points.mean(0) if middle == "points" else (low + high) / 2
        wanted = (least + most) / 2 if always else now.clamp(least, most)
        shift = now - wanted if away else wanted - now
        return points + shift if move else wanted

    return placed


PLACED_MISTAKES = {
    "this puts every drawing in the very middle; one that lies where drawings usually lie stays as "
    "it is": _placed_with(always=True),
    "this takes the mean of the points, which lies where the pen was slow; take the middle of "
    "their box, between the least and the greatest x and y": _placed_with(middle="points"),
    "each point is moved by itself, which squashes the drawing; move all by the same": _placed_with(
        each=True
    ),
    "the sign is flipped: this moves the drawing further off": _placed_with(away=True),
    "this is where the middle goes; the moved points were asked for": _placed_with(move=False),
}


def check_placed(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """`attempt(points, least, most)`, (n, 2), (2,) and (2,), -> the points, moved as little as
    brings the middle of their box between least and most, in x and in y."""
    least, most = torch.tensor([37.0, 37.5]).double(), torch.tensor([65.0, 64.0]).double()
    problems = []
    for seed, corner in enumerate([(5.0, 60.0), (40.0, 45.0), (80.0, 3.0), (30.0, 90.0)]):
        generator = torch.Generator().manual_seed(seed)
        points = 12 * torch.rand(9, 2, generator=generator, dtype=torch.float64) ** 3
        problems.append((points + torch.tensor(corner), least, most))
    praise = "right: moved as little as needed, and the drawing keeps its shape"
    return judge(attempt, _placed_with(), PLACED_MISTAKES, problems, praise=praise)


# A head for any number of ways -------------------------------------------------------------------


def _head_with(*, rows: str = "mean", bias: str = "mean") -> Callable:
    """A trained head for another number of ways, right unless a mistake is asked for."""

    def made(part: Tensor, kind: str, way: int) -> Tensor:
        repeats = (way,) + (1,) * (part.dim() - 1)
        if kind == "mean":
            return part.mean(0, keepdim=True).repeat(repeats)
        if kind == "sum":
            return part.sum(0, keepdim=True).repeat(repeats)
        if kind == "all":
            return part.mean().expand((way, *part.shape[1:])).clone()
        if kind == "zeros":
            return torch.zeros_like(part[:1]).repeat(repeats)
        return torch.cat([part, part])[:way] if kind == "first" else part[:1].repeat(repeats)

    def head(weight: Tensor, b: Tensor, way: int) -> tuple[Tensor, Tensor]:
        return made(weight, rows, way), made(b, bias, way)

    return head


HEAD_MISTAKES = {
    "these are the trained rows as they stand; they differ by chance alone, and beyond five there "
    "are none: give every class their mean": _head_with(rows="first", bias="first"),
    "every class gets the first row; take what the rows have in common, their mean": _head_with(
        rows="one", bias="one"
    ),
    "this is a head of zeros: it forgets what the rows have in common, which was meta-trained": (
        _head_with(rows="zeros", bias="zeros")
    ),
    "these are the sums of the rows; take the mean": _head_with(rows="sum", bias="sum"),
    "this is one number for the whole weight; the mean is over the rows, and each feature keeps "
    "its own": _head_with(rows="all"),
    "the bias is zero; it was trained too, and is made as the weight is": _head_with(bias="zeros"),
    "the weight is right; the bias has still the trained rows": _head_with(bias="first"),
}


def check_head_for(attempt: Callable[[Tensor, Tensor, int], tuple]) -> Verdict:
    """`attempt(weight, bias, way)`, (5, features) and (5,), -> weight (way, features) and bias
    (way,), with the mean of the rows in every row."""
    problems = []
    for seed, way in enumerate([3, 2, 7]):
        draw = {"generator": torch.Generator().manual_seed(seed), "dtype": torch.float64}
        weight = torch.randn(4, **draw) + 0.1 * torch.randn(5, 4, **draw)
        problems.append((weight, 1 + torch.randn(5, **draw), way))
    praise = "right: every class begins alike, with what all rows have in common"
    return judge(attempt, _head_with(), HEAD_MISTAKES, problems, praise=praise)
