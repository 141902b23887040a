"""The stand-in for Omniglot without network or folder: a font's letters in twenty made-up hands.

They are not Omniglot: the hands are simulated, and no figure measured on them is Omniglot's.
"""

import importlib.util
import math
import unicodedata
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFont
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, conv2d, grid_sample, interpolate

from maml_edu.tasks.data.drawings import DataError, Named

FONT = "DejaVuSans.ttf"
HANDS = 20
SIDE = 28
FINE = 2 * SIDE  # drawn at twice the size, then averaged down
GLYPH = 34  # of those pixels: a letter's longer side, before it is warped
CHARACTERS_AT_ONCE = 64

# 929 letters of DejaVu Sans, of 14 scripts: those without a decomposition (no accents) that are
# more than a dot or a dash, and unlike all earlier ones in any of four rotations (scaled to one
# size and blurred, their correlation is at most 0.94). So no class looks like another, turned or
# not.
GLYPHS = Path(__file__).parent / "glyphs.txt"


def glyphs() -> str:
    """The letters, in the order of their classes."""
    return GLYPHS.read_text(encoding="utf-8").replace("\n", "")


def name_of(letter: str) -> str:
    """A name like Omniglot's, alphabet first: "Greek/small letter omega"."""
    alphabet, _, rest = unicodedata.name(letter).partition(" ")
    return f"{alphabet.capitalize()}/{rest.lower()}"


def draw_standin(letters: str | None = None, *, seed: int = 0) -> Named:
    """Drawings as uint8 (letters, 20, 28, 28), 255 for ink, and their names.

    A hand leans, turns, stretches and shifts the letter (an affine map), bends it (a smooth random
    displacement) and has its own stroke width. The same seed gives the same drawings.
    """
    letters = glyphs() if letters is None else letters
    generator = torch.Generator().manual_seed(seed)
    font = ImageFont.truetype(str(_font_file()), 96, layout_engine=ImageFont.Layout.BASIC)
    printed = torch.stack([_print(font, letter) for letter in letters])
    drawn = [_hands(some, generator) for some in printed.split(CHARACTERS_AT_ONCE)]
    return torch.cat(drawn), tuple(map(name_of, letters))


def _font_file() -> Path:
    spec = importlib.util.find_spec("matplotlib")  # only to find its folder: it is not imported
    file = Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", FONT)
    if not file.exists():
        raise DataError(f"matplotlib's font {file}, which the stand-in is drawn from, is missing")
    return file


def _print(font: ImageFont.FreeTypeFont, letter: str) -> Tensor:
    """One letter of the font, centred, GLYPH pixels long: (FINE, FINE), 0 to 1."""
    mask = font.getmask(letter, mode="L")
    image = Image.frombytes("L", mask.size, bytes(mask))
    scale = GLYPH / max(mask.size)
    width, height = (max(1, round(side * scale)) for side in mask.size)
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    page = Image.new("L", (FINE, FINE))
    page.paste(image, ((FINE - width) // 2, (FINE - height) // 2))
    return torch.from_numpy(np.asarray(page, dtype=np.float32) / 255)


def _hands(printed: Tensor, generator: torch.Generator) -> Tensor:
    """(letters, FINE, FINE) -> (letters, HANDS, SIDE, SIDE) uint8."""
    n = len(printed) * HANDS

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    angle, shear = uniform(-0.25, 0.25), uniform(-0.3, 0.3)
    wide, high = uniform(0.85, 1.25), uniform(0.85, 1.25)
    cos, sin = torch.cos(angle), torch.sin(angle)
    row_x = torch.stack([cos * wide, (shear * cos - sin) * high, uniform(-0.12, 0.12)], 1)
    row_y = torch.stack([sin * wide, (shear * sin + cos) * high, uniform(-0.12, 0.12)], 1)
    grid = affine_grid(torch.stack([row_x, row_y], 1), [n, 1, FINE, FINE], align_corners=False)
    bend = 0.07 * torch.randn(n, 2, 5, 5, generator=generator)
    bend = interpolate(bend, (FINE, FINE), mode="bicubic", align_corners=True)
    pages = _blur(printed[:, None])
    pages = (pages / pages.amax((2, 3), keepdim=True)).repeat_interleave(HANDS, 0)
    warped = grid_sample(pages, grid + bend.permute(0, 2, 3, 1), align_corners=False)
    # Around a blurred stroke the grey falls off evenly, so the threshold sets the stroke's width.
    ink = torch.sigmoid((warped - uniform(0.35, 0.62, 1, 1, 1)) * 14)
    ink = avg_pool2d(ink - ink.amin((2, 3), keepdim=True), FINE // SIDE).clamp(0, 1)
    return (ink * 255).round().to(torch.uint8).view(-1, HANDS, SIDE, SIDE)


def _blur(pages: Tensor, sigma: float = 1.3) -> Tensor:
    reach = math.ceil(3 * sigma)
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    bell = bell / bell.sum()
    down = conv2d(pages, bell.view(1, 1, -1, 1), padding=(reach, 0))
    return conv2d(down, bell.view(1, 1, 1, -1), padding=(0, reach))
