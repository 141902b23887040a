"""A drawing as a small PNG, which browsers read."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def ink(image: np.ndarray) -> str:
    """(height, width), 1 for ink and 0 for paper, as base64 of a PNG: black, as opaque as it is
    inked, so that the page shows through the paper. Values are clipped, and nan is paper."""
    opacity = np.round(255 * np.clip(np.nan_to_num(image), 0, 1)).astype(np.uint8)
    pixels, buffer = np.stack([np.zeros_like(opacity), opacity], -1), io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=9)  # grey and opacity: mode "LA"
    return base64.b64encode(buffer.getvalue()).decode("ascii")
