"""Drawings for runs on Omniglot's kind of tasks, made up in a moment."""

from __future__ import annotations

import pytest
import torch

from maml_edu.tasks.data import Drawings


@pytest.fixture(scope="session")
def drawings() -> Drawings:
    """200 characters that a network can tell apart: each a picture of noise, faint or strong."""
    generator = torch.Generator().manual_seed(0)
    characters = torch.rand(200, 1, 28, 28, generator=generator)
    hands = torch.rand(200, 20, 28, 28, generator=generator)
    images = (255 * (0.7 * characters + 0.3 * hands)).to(torch.uint8)
    return Drawings(images, tuple(f"A/character{i:03d}" for i in range(200)), "made up", False)
