"""N-way K-shot tasks of handwritten characters: every task is an alphabet of a few letters."""

import hashlib
import os
from collections.abc import Sequence

import torch
from torch import Tensor

from maml_edu.foundation.checks import InputError, at_least, choice
from maml_edu.foundation.types import Device
from maml_edu.tasks.batch import TaskBatch
from maml_edu.tasks.data import Drawings, load_drawings
from maml_edu.tasks.episodes import draw_episodes

SPLITS = {"train": 1100, "validation": 100, "test": 423}  # how many of Omniglot's 1623 characters


class OmniglotTasks:
    """Tell `way` characters apart after seeing `shots` drawings of each.

    As in Finn, Abbeel & Levine (2017, section 5.2), the characters are split at random,
    irrespective of their alphabets: 1200 for meta-training, of which 100 are kept for validation,
    and the other 423 for testing. A character is in one split only, in all its rotations.

    split: "train", "validation" or "test". way: classes in a task, 2 or more.
    rotations: whether a character turned by 90, 180 or 270 degrees counts as another class.
        Default: in "train" only, so validation and test show characters upright. (The authors' code
        turns those as well: `rotations=True`.) No task has one character in two rotations, since
        some look the same when turned.
    source: "auto", "release", "stand-in" or a folder (see `maml_edu.tasks.data.load_drawings`), or
        `Drawings` themselves. Default: "auto". `tasks.source` says in one line which data it is.
    Raises InputError, of which DataError is a kind.
    """

    def __init__(
        self,
        split: str = "train",
        way: int = 5,
        *,
        rotations: bool | None = None,
        source: str | os.PathLike | Drawings = "auto",
    ):
        choice(SPLITS)("split", split)
        if rotations not in (None, True, False):
            raise InputError(f"rotations is {rotations!r}; it must be True, False or None")
        at_least(2, way=way)
        self.split, self.way = split, way
        self.rotations = split == "train" if rotations is None else bool(rotations)
        self.drawings = source if isinstance(source, Drawings) else load_drawings(source)
        self.characters = split_characters(self.drawings.names)[split]
        if way > (most := len(self.characters)):
            raise InputError(
                f"way is {way}; it must be at most {most}, the characters of the {split} split"
            )
        height, width = self.drawings.images.shape[2:]
        if self.rotations and height != width:
            raise InputError(
                f"rotations is True; drawings of {height} x {width} pixels are not square, so give "
                "rotations=False"
            )
        self._images = self.drawings.images  # 25 MB, on the device of the last sample

    def __repr__(self) -> str:
        return f"OmniglotTasks({self.split!r}, way={self.way}, rotations={self.rotations})"

    @property
    def source(self) -> str:
        """Which data this is, in one line."""
        return self.drawings.source

    @property
    def n_classes(self) -> int:
        """How many classes there are: the characters, times four with rotations."""
        return len(self.characters) * (4 if self.rotations else 1)

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int = 1,
        queries: int = 5,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch:
        """Draw tasks, with `shots` and `queries` drawings of each character, 20 at most in all.

        Random numbers come from the generator's device, so a seed gives the same tasks on every
        device. Returns x as float32 (tasks, way * shots or queries, 1, 28, 28) with 1 for ink and 0
        for paper; y as int64 labels 0 … way - 1, dealt anew in each task; and in `info` "character"
        (tasks, way), indices into `drawings.names` by label, "rotation" (tasks, way), quarter turns
        counter-clockwise, and "drawing" (tasks, way, shots + queries).
        """
        plan = draw_episodes(
            n_tasks,
            n_classes=len(self.characters),
            n_examples=self.drawings.images.shape[1],
            way=self.way,
            shots=shots,
            queries=queries,
            generator=generator,
        )
        turns = torch.zeros_like(plan.classes)
        if self.rotations:
            turns.random_(4, generator=generator)
        character = self.characters.to(plan.classes.device)[plan.classes]
        info = {"character": character, "rotation": turns, "drawing": plan.examples}
        info = {name: value.to(device) for name, value in info.items()}
        images = self._images = self._images.to(info["character"].device)
        rows = info["character"][..., None] * images.shape[1] + info["drawing"]
        x = images.flatten(0, 1).index_select(0, rows.flatten()).unflatten(0, (-1, rows.shape[2]))
        x = turn(x, turns.flatten()).view(*rows.shape, 1, *images.shape[2:])
        batch = plan.batch(x, info)
        ink = {"support_x": batch.support_x, "query_x": batch.query_x}
        return batch._replace(**{name: of.float().div_(255) for name, of in ink.items()})


def turn(images: Tensor, turns: Tensor) -> Tensor:
    """Turn each (…, height, width) of a batch by its own number of quarter turns, in place."""
    for k in turns.unique().tolist():
        chosen = (turns == k).nonzero().flatten().to(images.device)
        images.index_copy_(0, chosen, images.index_select(0, chosen).rot90(k, (-2, -1)))
    return images


def split_characters(names: Sequence[str]) -> dict[str, Tensor]:
    """The split, which depends only on the names: split -> sorted indices of characters.

    Characters are dealt out in the order of the SHA-256 of their names, which is as good as random
    and the same everywhere. Data other than Omniglot is split in Omniglot's proportions.
    """
    order = sorted(range(len(names)), key=lambda i: hashlib.sha256(names[i].encode()).digest())
    split, begin, so_far = {}, 0, 0
    for name, count in SPLITS.items():
        so_far += count
        end = round(len(names) * so_far / sum(SPLITS.values()))
        split[name] = torch.tensor(sorted(order[begin:end]))
        begin = end
    return split
