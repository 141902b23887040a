"""Own `Drawings`: refused where they would have been misread."""

from __future__ import annotations

import pytest
import torch

from maml_edu.tasks import OmniglotTasks
from maml_edu.tasks.data import Drawings


def drawings(shape=(60, 20, 28, 28), dtype=torch.uint8, names=60) -> Drawings:
    images = torch.zeros(shape, dtype=dtype)
    return Drawings(images, tuple(f"A/{i}" for i in range(names)), "mine", omniglot=False)


def test_fractions_and_colour_are_refused_with_the_way_out():
    with pytest.raises(
        ValueError, match=r"torch.float32, .* torch.uint8, 0 to 255, .*tasks\.Classes"
    ):
        drawings(dtype=torch.float32)
    with pytest.raises(ValueError, match=r"\(60, 20, 3, 28, 28\).*for colour .*tasks\.Classes"):
        drawings(shape=(60, 20, 3, 28, 28))
    with pytest.raises(ValueError, match="names has 59 names for 60 characters"):
        drawings(names=59)
    assert drawings().kind == "own"


def test_only_square_ones_are_turned():
    with pytest.raises(ValueError, match="32 x 48 pixels are not square, so give rotations=False"):
        OmniglotTasks(source=drawings((60, 20, 32, 48)))
    tasks = OmniglotTasks(source=drawings((60, 20, 32, 48)), rotations=False)
    assert tasks.sample(1).query_x.shape == (1, 25, 1, 32, 48)
