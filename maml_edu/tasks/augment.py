"""More hands than there are: drawings turned, slanted, stretched and shifted at random."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate


@dataclass(frozen=True)
class Hand:
    """How far a drawing is changed at most, either way.

    turn: radians. slant: of the vertical, as a tangent. stretch: the logarithm of the size, of
    width and height each. shift: pixels of 28. bend: the standard deviation of a smooth random
    displacement, in pixels. Default: about as much as people differ.
    """

    turn: float = 0.25
    slant: float = 0.25
    stretch: float = 0.2
    shift: float = 2.0
    bend: float = 0.5


def warp(images: Tensor, generator: torch.Generator | None = None, hand: Hand = Hand()) -> Tensor:
    """Each drawing of (n, side, side), 1 for ink, in another hand: an affine map and a bend."""
    n, side = len(images), images.shape[-1]

    def uniform(reach: float) -> Tensor:
        return reach * (2 * torch.rand(n, generator=generator) - 1)

    turn, slant, across, along = (
        uniform(reach) for reach in (hand.turn, hand.slant, hand.shift, hand.shift)
    )
    wide, high = uniform(hand.stretch).exp(), uniform(hand.stretch).exp()
    cos, sin, pixel = turn.cos(), turn.sin(), 2 / side
    to_x = torch.stack([cos * wide, (slant * cos - sin) * high, across * pixel], 1)
    to_y = torch.stack([sin * wide, (slant * sin + cos) * high, along * pixel], 1)
    grid = affine_grid(torch.stack([to_x, to_y], 1), [n, 1, side, side], align_corners=False)
    if hand.bend:
        bend = hand.bend * pixel * torch.randn(n, 2, 4, 4, generator=generator)
        bend = interpolate(bend, (side, side), mode="bilinear", align_corners=True)
        grid = grid + bend.permute(0, 2, 3, 1)
    return grid_sample(images[:, None], grid, align_corners=False)[:, 0]


def reflect(images: Tensor, symmetry: Tensor) -> Tensor:
    """Each of (n, side, side) by its own symmetry of the square, (n,): quarter turns, 0 to 3, plus
    4 for the mirror image."""
    changed = images.clone()
    for k in range(1, 8):
        chosen = symmetry == k
        some = images[chosen].rot90(k % 4, (-2, -1))
        changed[chosen] = some.flip(-1) if k >= 4 else some
    return changed
