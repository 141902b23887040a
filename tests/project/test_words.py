"""One word a thing: names and words that the house has given up do not come back."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).relative_to(ROOT).as_posix()
HISTORY = {"CHANGELOG.md", HERE}  # where old names may stand

# What is gone -> what stands in its place.
GONE = {
    r"\bRecipe\b|\.recipe\b|\brecipes?(,| =|:|\()": "TrainConfig, config",
    r"\bsine_recipe\b|\bomniglot_recipe\b|\bsine_config\b|\bomniglot_config\b": "TrainConfig.make",
    r"\bDrawnSet\b|\bdrawn_files\b|\bread_set\b": "DrawingSet, views.drawing",
    r"\bfor_ways\b": "resize_head",
    r"\bpath_share\b": "explained_fraction",
    r"\brecomputed\(|\brecompute import\b": "checkpointed",
    r"\brate_at\b": "Training.step_size",
    r"\brun_training\b": "Run",
    r"\bis_rate\b": "Learner.param_groups",
    r"\bsafe_files\b|\brun_state\b": "tensor_files, training_state",
    r"\bmaml_edu\.(recipe|report|records|traces|plots|widgets|scenes|style|drawn|pen|train)\b": (
        "the rooms of maml_edu/"
    ),
    r"\bmaml_edu\.(replay|recompute|distributed|checkpoint|environment|data|cli|checks)\b": (
        "the rooms of maml_edu/"
    ),
    r"--shot\b|--no-replay\b": "--shots, --no-capture",
    r"\bsinusoid\"": '"sine"',
}


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    kinds = {".py", ".md", ".json", ".toml", ".yml", ".ipynb", ".js", ".mjs", ""}
    kept = [ROOT / name for name in names if name not in HISTORY]
    return [path for path in kept if path.suffix in kinds and "static" not in path.parts]


@pytest.mark.parametrize("pattern", GONE)
def test_a_name_that_is_gone_stays_gone(pattern):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        if path.exists()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert not found, f"use {GONE[pattern]} in place of these:\n" + "\n".join(found[:20])


@pytest.mark.parametrize("word", ["checkpointing", "strokes", "config", "metadata", "captured"])
def test_the_fields_own_words_are_found(word):
    hits = [path for path in (ROOT / "maml_edu").rglob("*.py") if word in path.read_text("utf-8")]
    assert hits
