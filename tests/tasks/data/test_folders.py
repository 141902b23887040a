"""Pictures in folders: formats, sizes, splits, and what is said of those that cannot be read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from maml_edu.tasks import Classes
from maml_edu.tasks.data import DataError, read_pictures

FORMATS = {
    "png": "L",
    "jpg": "L",
    "bmp": "RGB",
    "gif": "P",
    "webp": "RGB",
    "tiff": "CMYK",
    "ppm": "RGB",
}


def page(value: int, mode: str = "L", size=(20, 30)) -> Image.Image:
    return Image.new("L", size, value).convert(mode)


@pytest.fixture
def folder(tmp_path):
    """Six classes of different sizes; class i is as dark as 40 * i. Notes lie beside them."""
    for i in range(6):
        its = tmp_path / f"class {i}"
        its.mkdir()
        for j, (end, mode) in enumerate(list(FORMATS.items())[: 4 + i % 4]):
            page(40 * i, mode, (20 + j, 30)).save(its / f"{j}.{end}")
        (its / "notes.txt").write_text("of no use")
        (its / ".hidden.png").write_bytes(b"no picture")
    (tmp_path / "readme.md").write_text("beside")
    return tmp_path


def test_any_format_and_size_and_number(folder):
    data = Classes.from_folder(folder, size=12)
    assert data.x.shape == (4 + 5 + 6 + 7 + 4 + 5, 1, 12, 12)
    assert [len(rows) for rows in data.groups.rows.values()] == [4, 5, 6, 7, 4, 5]
    for i, rows in enumerate(data.groups.rows.values()):
        assert (data.x[rows].float() - 40 * i).abs().max() <= 3  # jpg and webp round
    colour = Classes.from_folder(folder, size=(10, 14), channels=3)
    assert colour.x.shape[1:] == (3, 10, 14)
    x, y = data.samples(["class 5", "class 0"])
    assert x.max() == pytest.approx(200 / 255, abs=0.02)
    assert y.tolist() == [0] * 5 + [1] * 4


def test_split_folders_are_her_split(tmp_path):
    for part, names in {"train": "abc", "val": "d", "test": "ef"}.items():
        for name in names:
            its = tmp_path / part / name
            its.mkdir(parents=True)
            for j in range(3):
                page(90).save(its / f"{j}.png")
    data = Classes.from_folder(tmp_path)
    assert data.groups.split == {"train": ("a", "b", "c"), "validation": ("d",), "test": ("e", "f")}
    (tmp_path / "test" / "a").mkdir()
    page(3).save(tmp_path / "test" / "a" / "0.png")
    with pytest.raises(ValueError, match="class 'a' is in the splits"):
        Classes.from_folder(tmp_path)


def test_pictures_are_as_they_look(tmp_path):
    """Not on its side, not black where it is transparent; dark and light swapped if asked."""
    wide = np.zeros((10, 20), np.uint8)
    wide[:, :10] = 255  # light on the left
    lying = Image.fromarray(wide).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    lying.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    x = read_pictures([tmp_path / "turned.jpg"], size=(10, 20))[0, 0]
    assert x[:, :8].min() > 0.9
    assert x[:, 12:].max() < 0.1
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert read_pictures([tmp_path / "clear.png"], size=8).min() == 1.0
    page(30).save(tmp_path / "dark.png")
    given = [tmp_path / "dark.png"]
    torch.testing.assert_close(read_pictures(given), 1 - read_pictures(given, invert=True))


def test_what_cannot_be_read_is_named(folder, tmp_path):
    (folder / "class 0" / "broken.png").write_bytes(b"this is no picture")
    with pytest.raises(DataError, match=r"broken\.png cannot be read: it is no whole picture"):
        Classes.from_folder(folder)
    (folder / "class 0" / "broken.png").unlink()
    whole = (folder / "class 0" / "0.png").read_bytes()
    (folder / "class 0" / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"half\.png cannot be read: it is no whole picture"):
        Classes.from_folder(folder)
    (folder / "class 0" / "half.png").unlink()
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(folder / "class 1" / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png has more than 8 bits a pixel"):
        Classes.from_folder(folder)
    with pytest.raises(DataError, match="nowhere does not exist"):
        Classes.from_folder(folder / "nowhere")
    with pytest.raises(DataError, match="class 2 holds no folders; it needs one with pictures"):
        Classes.from_folder(folder / "class 2")
    with pytest.raises(ValueError, match="channels is 2; it must be 1 for grey or 3 for colour"):
        read_pictures([folder / "class 2" / "0.png"], channels=2)
    with pytest.raises(ValueError, match="height is 0"):
        read_pictures([folder / "class 2" / "0.png"], size=0)
    with pytest.raises(ValueError, match="files is empty"):
        read_pictures([])
    empty = tmp_path / "no pictures" / "a"
    empty.mkdir(parents=True)
    with pytest.raises(DataError, match="holds no pictures in its folders"):
        Classes.from_folder(empty.parent)
