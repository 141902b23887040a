"""Omniglot's zips are read whole and as they are, and bad ones end in one clear sentence."""

from __future__ import annotations

import stat
import zipfile

import numpy as np
import pytest
from PIL import Image

from maml_edu.tasks.data import DataError
from maml_edu.tasks.data.archive import read_archive, shrink
from tests.tasks.data.made_up import DRAWINGS, PARTS, PNGS, png, zipped

NAME = "images_background.zip"
FILES, PART = PNGS[NAME], PARTS[NAME]
FIRST = next(iter(FILES))


def read(tmp_path, content: bytes):
    path = tmp_path / NAME
    path.write_bytes(content)
    return read_archive(path, PART)


def refusal(tmp_path, content: bytes) -> str:
    with pytest.raises(DataError) as refused:
        read(tmp_path, content)
    said = str(refused.value)
    assert said.startswith(str(tmp_path / NAME))
    assert "\n" not in said
    return said


def test_names_and_pixels(tmp_path):
    names, images = read(tmp_path, zipped(FILES))
    assert names == [f"Made_up/character{c:02d}" for c in (1, 2, 3)]
    assert images.shape == (3, 20, 28, 28)
    for (_, ink), image in zip(
        sorted(DRAWINGS[NAME].items()), images.reshape(-1, 28, 28), strict=True
    ):
        np.testing.assert_array_equal(shrink(ink), image)


def test_zipping_anew_in_another_order_with_folders_and_litter_changes_nothing(tmp_path):
    anew = dict(reversed(FILES.items()))
    anew = {
        "images_background/": b"",
        "__MACOSX/x": b"",
        "images_background/.DS_Store": b"?",
    } | anew
    content = zipped(anew)
    assert content != zipped(FILES)
    for one, other in zip(read(tmp_path, content), read(tmp_path, zipped(FILES)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_shrinking_keeps_the_ink_where_it_was():
    ink = np.zeros((105, 105), bool)
    ink[30:45, 60:90] = True  # rows 8 to 12 and columns 16 to 24 of 28
    small = shrink(ink)
    assert small.dtype == np.uint8
    assert (small[8:12, 16:24] > 220).all()
    around = np.ones((28, 28), bool)
    around[8:12, 16:24] = False
    assert (small[around] < 30).all()


def test_shrinking_is_what_pillow_does():
    ink = np.stack([DRAWINGS[NAME][FIRST], np.tri(105, dtype=bool)])
    for small, drawing in zip(shrink(ink), ink, strict=True):
        grey = Image.fromarray(drawing.astype(np.uint8) * 255)
        by_pillow = np.asarray(grey.resize((28, 28), Image.Resampling.LANCZOS))
        assert np.abs(small.astype(int) - by_pillow).max() <= 2  # it rounds after each direction


def replaced(name: str, content: bytes) -> bytes:
    return zipped(FILES | {name: content})


@pytest.mark.parametrize(
    "name", ["../evil.png", "/etc/evil.png", "a/../../evil", "C:/evil", "a\\evil"]
)
def test_entries_that_lead_outside_are_left_alone(tmp_path, name):
    assert read(tmp_path, replaced(name, b"x"))[0] == read(tmp_path, zipped(FILES))[0]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_link_is_left_alone(tmp_path):
    link = zipfile.ZipInfo("images_background/link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    names, _ = read(tmp_path, zipped(FILES | {link: b"/etc/passwd"}))
    assert names == read(tmp_path, zipped(FILES))[0]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_drawing_that_unpacks_to_far_too_much(tmp_path):
    said = refusal(tmp_path, replaced(FIRST, bytes(10**7)))
    assert "of 10,000,000 bytes; a drawing has at most 16,384" in said


def test_a_size_that_lies_is_not_believed(tmp_path, monkeypatch):
    content = bytearray(replaced(FIRST, bytes(10**6)))
    truth, lie = (10**6).to_bytes(4, "little"), (100).to_bytes(4, "little")
    assert content.count(truth) == 2
    assert f"holds {FIRST}, which cannot be read" in refusal(tmp_path, content.replace(truth, lie))


def test_a_picture_far_too_large_is_not_decoded(tmp_path, monkeypatch):
    bomb = png(np.zeros((4000, 4000), bool))  # 16 megapixels in 2 KB
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    assert len(bomb) < 16_384
    assert "(4000 x 4000 pixels, mode 1)" in refusal(tmp_path, replaced(FIRST, bomb))


def test_a_missing_character(tmp_path):
    some = {name: content for name, content in FILES.items() if "character02" not in name}
    assert "holds 2 characters instead of 3" in refusal(tmp_path, zipped(some))


def test_a_missing_drawing(tmp_path):
    some = {name: content for name, content in FILES.items() if name != FIRST}
    said = refusal(tmp_path, zipped(some))
    assert "holds 19 drawings of Made_up/character01 instead of 20" in said


@pytest.mark.parametrize("broken", [b"", b"not a picture", FILES[FIRST][:60], FILES[FIRST][:600]])
def test_a_broken_drawing(tmp_path, broken):
    assert f"holds {FIRST}, which cannot be read (" in refusal(tmp_path, replaced(FIRST, broken))


def test_another_drawing_in_place_of_one(tmp_path):
    other = DRAWINGS[NAME][FIRST].copy()
    other[50, 50] ^= True  # one pixel
    said = refusal(tmp_path, replaced(FIRST, png(other)))
    assert "not Omniglot's drawings of them (the SHA-256 of the content differs)" in said


def test_a_renamed_character(tmp_path):
    renamed = {name.replace("character03", "character04"): c for name, c in FILES.items()}
    assert "not Omniglot's drawings" in refusal(tmp_path, zipped(renamed))


def test_bytes_that_were_damaged(tmp_path):
    content = bytearray(zipped(FILES))
    content[200] ^= 255
    assert f"holds {FIRST}, which cannot be read" in refusal(tmp_path, bytes(content))


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><p>Log in", zipped(FILES)[:5000], zipped(FILES)[:-100]]
)
def test_not_a_whole_zip(tmp_path, content):
    assert "is not a whole zip file" in refusal(tmp_path, content)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="nowhere.zip does not exist"):
        read_archive(tmp_path / "nowhere.zip", PART)
