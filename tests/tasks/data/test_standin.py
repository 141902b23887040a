"""The stand-in: enough classes, all different, each recognisable across its twenty hands."""

from __future__ import annotations

import pytest
import torch
from PIL import ImageFont

from maml_edu.tasks.data import DataError, standin
from maml_edu.tasks.data.standin import _blur, _font_file, _print, draw_standin, glyphs, name_of


def test_the_same_seed_gives_the_same_hands():
    images, names = draw_standin("AЖ")
    assert names == ("Latin/capital letter a", "Cyrillic/capital letter zhe")
    assert images.shape == (2, 20, 28, 28)
    assert images.dtype == torch.uint8
    assert torch.equal(draw_standin("AЖ")[0], images)
    assert not torch.equal(draw_standin("AЖ", seed=1)[0], images)
    assert len(images.flatten(0, 1).flatten(1).unique(dim=0)) == 40  # no two drawings are the same


def test_letters_are_many_and_differ_in_name():
    letters = glyphs()
    assert len({name_of(letter) for letter in letters}) == len(letters) == 929


def test_no_letter_is_another_one_turned():
    """Else a class could be on both sides of the split, or twice in one task."""
    font = ImageFont.truetype(str(_font_file()), 96, layout_engine=ImageFont.Layout.BASIC)
    printed = torch.stack([_print(font, letter) for letter in glyphs()])[:, None]
    small = torch.nn.functional.avg_pool2d(_blur(printed, 2.0), 2)[:, 0]
    turned = torch.stack([small.rot90(k, (1, 2)).flatten(1) for k in range(4)])
    turned = torch.nn.functional.normalize(turned - turned.mean(2, keepdim=True), dim=2)
    alike = turned[0] @ turned.transpose(1, 2)  # (turns, letters, letters)
    alike[:, range(len(small)), range(len(small))] = 0
    assert alike.max() < 0.941


def test_every_drawing_has_ink_and_paper_and_keeps_off_the_edge():
    images = draw_standin(glyphs()[::25])[0].float() / 255
    ink = (images > 0.5).flatten(2).float().mean(2)
    assert ink.min() > 0.01
    assert ink.max() < 0.4
    assert 0.06 < ink.mean() < 0.11  # Omniglot's is 0.083
    edge = torch.ones(28, 28, dtype=torch.bool)
    edge[1:-1, 1:-1] = False
    assert images[..., edge].mean() < 0.01


def test_hands_differ_less_than_letters():
    """The nearest class mean (of 10 hands) names most of the others: it can be learnt."""
    images = draw_standin(glyphs()[::25])[0].float()
    means = images[:, :10].mean(1).flatten(1)
    nearest = torch.cdist(images[:, 10:].flatten(0, 1).flatten(1), means).argmin(1)
    right = (nearest.view(len(images), 10) == torch.arange(len(images))[:, None]).float().mean()
    assert 0.5 < right < 0.99


def test_without_the_font_it_says_so(monkeypatch):
    monkeypatch.setattr(standin, "FONT", "NoSuchFont.ttf")
    with pytest.raises(DataError, match="NoSuchFont.ttf, which the stand-in is drawn from"):
        draw_standin("A")
