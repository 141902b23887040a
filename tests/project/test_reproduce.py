"""`make reproduce` says what it would do, and leaves out what is done."""

from __future__ import annotations

import sys

import pytest

from benchmarks import reproduce


def test_the_list_runs_nothing_and_sums_the_minutes_up(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["reproduce", "--list"])
    done = reproduce.PARTS[0]
    (tmp_path / done.done_mark).parent.mkdir(parents=True)
    (tmp_path / done.done_mark).touch()
    reproduce.main()
    told = capsys.readouterr().out
    assert f"{done.what}: done" in told
    assert f"about {sum(part.minutes for part in reproduce.PARTS[1:])} minutes" in told
    assert all(part.command in told for part in reproduce.PARTS)


def test_a_part_that_fails_is_not_marked_as_done(tmp_path, monkeypatch):
    bad = reproduce.Part("bad", "python -c 'raise SystemExit(3)'", 1, reproduce.NEW / "bad.json")
    good = reproduce.Part("good", "python -c pass", 1, reproduce.NEW / "good.json")
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    monkeypatch.setattr(reproduce, "PARTS", (good, bad))
    monkeypatch.setattr(sys, "argv", ["reproduce"])
    with pytest.raises(reproduce.subprocess.CalledProcessError):
        reproduce.main()
    assert (tmp_path / good.done_mark).exists()
    assert not (tmp_path / bad.done_mark).exists()
