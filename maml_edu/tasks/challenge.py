"""The test of Lake et al. (2015) itself: the very runs that people and BPL were given."""

from pathlib import Path
from typing import NamedTuple

import torch

from maml_edu.tasks.batch import TaskBatch
from maml_edu.tasks.data import DataError, Drawings
from maml_edu.tasks.episodes import Episodes

RUNS = Path(__file__).parent / "data" / "lake_runs.txt"


class LakeRun(NamedTuple):
    """20 characters of one alphabet, in the hands of two drawers, who count from 1."""

    alphabet: str
    support_drawer: int
    query_drawer: int
    characters: tuple[int, ...]

    @classmethod
    def of(cls, line: str) -> "LakeRun":
        alphabet, *numbers = line.split()
        support, query, *characters = map(int, numbers)
        return cls(alphabet, support, query, tuple(characters))


def lake_runs() -> list[LakeRun]:
    """The 20 runs: two for each of ten evaluation alphabets, with the same characters but other
    drawers."""
    lines = RUNS.read_text("utf-8").splitlines()
    return [LakeRun.of(line) for line in lines if not line.startswith("#")]


def lake_tasks(drawings: Drawings) -> TaskBatch:
    """The 20 runs as 20-way 1-shot tasks with one query of each character: 400 trials.

    x and y are as `AlphabetTasks.sample` gives them, with the labels in the order of the release;
    so are "character" and "drawing" in `info`. Raises DataError for drawings other than Omniglot's.
    """
    if not drawings.omniglot:
        raise DataError(f"these are not Omniglot's drawings: {drawings.source}")
    place = {name: i for i, name in enumerate(drawings.names)}
    runs = lake_runs()
    character = torch.tensor(
        [[place[f"{run.alphabet}/character{c:02d}"] for c in run.characters] for run in runs]
    )
    drawer = torch.tensor([[run.support_drawer - 1, run.query_drawer - 1] for run in runs])
    plan = Episodes(character, drawer[:, None].expand(-1, character.shape[1], -1), shots=1)
    x = drawings.images[character[..., None], plan.examples][:, :, :, None].float() / 255
    return plan.batch(x, {"character": character, "drawing": plan.examples})
