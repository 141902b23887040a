"""`python -m maml_edu data`: what it prints, and that what goes wrong is one line."""

from __future__ import annotations

import pytest

from maml_edu.runs.cli import main
from maml_edu.tasks.data import load
from tests.tasks.data.conftest import Answer
from tests.tasks.data.made_up import PARTS, ZIPS, write


@pytest.fixture(autouse=True)
def _small(monkeypatch, server):
    """A release of six characters on this machine, and a stand-in of two letters."""
    monkeypatch.setattr(load.standin, "glyphs", lambda: "AЖ")
    for name, options in (
        ("from_release", {"url": server.url}),
        ("from_folder", {}),
    ):
        real = getattr(load, name)
        monkeypatch.setattr(
            load, name, lambda *a, _real=real, _o=options, **o: _real(*a, **o | _o, parts=PARTS)
        )


def test_the_release(tmp_path, capsys):
    assert main(["data", "--quiet"]) == 0
    out, err = capsys.readouterr()
    cache = tmp_path / "cache"
    assert out.splitlines() == [
        f"Omniglot, 6 characters x 20 drawings, the release, in {cache}",
        "  1 alphabets; characters by split: 4 train, 0 validation, 2 test",
        f"  cache: {cache}",
    ]
    assert err == ""


def test_progress_is_shown(capsys):
    assert main(["data"]) == 0
    err = capsys.readouterr().err
    assert "images_background.zip: 100%" in err
    assert "decoding: 100%" in err


def test_a_folder(tmp_path, capsys):
    assert main(["data", str(write(tmp_path / "mine")), "--quiet"]) == 0
    assert f"drawings, from {tmp_path / 'mine'}" in capsys.readouterr().out


def test_the_stand_in_steps_in_with_one_warning(server, capsys):
    server.answers = {name: [Answer(status=404)] for name in ZIPS}
    assert main(["data", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("stand-in, not Omniglot: 2 letters")
    assert err.startswith("maml_edu: warning: http://127.0.0.1")
    assert err.count("\n") == 1


def test_the_release_or_nothing(server, capsys):
    server.answers = {name: [Answer(status=404)] for name in ZIPS}
    assert main(["data", "release", "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("maml_edu: error: http://127.0.0.1")
    assert err.endswith("the server answered 404 Not Found\n")


def test_a_folder_that_is_not_there(tmp_path, capsys):
    assert main(["data", str(tmp_path / "nowhere")]) == 1
    assert "nowhere does not exist" in capsys.readouterr().err
