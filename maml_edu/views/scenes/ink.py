"""A drawing as a small PNG, which browsers and matplotlib both read."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np


def ink(image: np.ndarray) -> str:
    """(height, width) with 1 for ink and 0 for paper, as base64 of a PNG: black ink, and paper
    that lets the page show through."""
    image = np.nan_to_num(np.asarray(image, dtype=float))
    if image.ndim != 2 or not image.size:
        raise ValueError(f"image has shape {image.shape}; it must be (height, width)")
    height, width = image.shape
    rows = np.zeros((height, 1 + 2 * width), np.uint8)  # a filter byte, then grey and opacity
    rows[:, 2::2] = np.round(255 * np.clip(image, 0, 1))
    header = struct.pack(">IIBBBBB", width, height, 8, 4, 0, 0, 0)  # 8 bits of grey, 8 of opacity
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)
    return base64.b64encode(png).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
