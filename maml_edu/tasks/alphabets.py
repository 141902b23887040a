"""The Omniglot challenge: characters of one alphabet told apart, in alphabets never trained on."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from maml_edu.foundation.checks import InputError, at_least, choice
from maml_edu.foundation.types import Device
from maml_edu.tasks.augment import reflect, warp
from maml_edu.tasks.batch import TaskBatch
from maml_edu.tasks.data import Drawings, load_drawings
from maml_edu.tasks.episodes import Episodes

SPLITS = {
    "train": "the background alphabets, but those of validation",
    "validation": "four background alphabets of Omniglot's thirty",
    "test": "the evaluation alphabets",
}
# images_evaluation.zip of the release; all others are background alphabets.
EVALUATION = frozenset(
    {
        *("Angelic", "Atemayar_Qelisayer", "Atlantean", "Aurek-Besh", "Avesta", "Ge_ez"),
        *("Glagolitic", "Gurmukhi", "Kannada", "Keble", "Malayalam", "Manipuri", "Mongolian"),
        *("Old_Church_Slavonic_(Cyrillic)", "Oriya", "Sylheti", "Syriac_(Serto)", "Tengwar"),
        *("Tibetan", "ULOG"),
    }
)
ENOUGH = 20  # characters that an alphabet must have to be held out for validation
SYMMETRIES = 8  # of a square: four turns, each with its mirror image


class AlphabetTasks:
    """Tell `way` characters of one alphabet apart, each seen as one person drew it.

    As in Lake, Salakhutdinov & Tenenbaum (2015, Science 350): the support set is in one drawer's
    hand and the queries are in another's, and the alphabets of "test" are never trained on.

    split: one of SPLITS. way: classes in a task, 2 or more. Default: 20. A task takes its alphabet
        at random from those with `way` characters or more. If none has as many, it takes whole
        alphabets in random order until there are `way` characters.
    mixed: whether a task takes characters from all alphabets instead, and each character's drawings
        by any drawers, as in other few-shot tasks. Default: False.
    symmetries: whether an alphabet turned by quarter turns, or mirrored, is another alphabet.
        Default: in "train" only. warped: whether each drawing is turned, slanted, stretched and
        shifted a little at random (see `tasks.augment`). Default: in "train" only.
    source: as in `OmniglotTasks`. Raises InputError, of which DataError is a kind.
    """

    def __init__(
        self,
        split: str = "train",
        way: int = 20,
        *,
        mixed: bool = False,
        symmetries: bool | None = None,
        warped: bool | None = None,
        source: str | os.PathLike | Drawings = "auto",
    ):
        choice(SPLITS)("split", split)
        at_least(2, way=way)
        self.split, self.way, self.mixed = split, way, mixed
        self.symmetries = split == "train" if symmetries is None else symmetries
        self.warped = split == "train" if warped is None else warped
        self.drawings = source if isinstance(source, Drawings) else load_drawings(source)
        self.alphabets = split_alphabets(self.drawings.alphabets)[split]
        of_each = self.drawings.alphabets
        self.characters = torch.tensor([i for i, a in enumerate(of_each) if a in self.alphabets])
        if way > (most := len(self.characters)):
            raise InputError(
                f"way is {way}; it must be at most {most}, the characters of the {split} alphabets"
            )
        self._alphabet = torch.tensor(
            [self.alphabets.index(of_each[i]) for i in self.characters.tolist()]
        )

    def __repr__(self) -> str:
        return f"AlphabetTasks({self.split!r}, way={self.way}, mixed={self.mixed})"

    @property
    def source(self) -> str:
        """Which data this is, in one line."""
        return self.drawings.source

    def sample(
        self,
        n_tasks: int,
        *,
        shots: int = 1,
        queries: int = 1,
        generator: torch.Generator | None = None,
        device: Device = None,
    ) -> TaskBatch:
        """Draw tasks, with `shots` and `queries` drawings of each character, 20 at most in all.

        Returns x as float32 (tasks, way * shots or queries, 1, 28, 28) with 1 for ink, y as int64
        labels dealt anew in each task, and in `info` "character" (tasks, way), indices into
        `drawings.names`, "symmetry" (tasks, way), 0 for a drawing as it is, and "drawing" (tasks,
        way, shots + queries), which is the drawer: the same for all characters unless `mixed`.
        """
        at_least(1, n_tasks=n_tasks, shots=shots, queries=queries)
        n_drawers = self.drawings.images.shape[1]
        if shots + queries > n_drawers:
            allowed = f"at most {n_drawers}, the drawings of a character"
            raise InputError(f"shots + queries is {shots + queries}; it must be {allowed}")

        def uniform(*shape: int) -> Tensor:
            return torch.rand(n_tasks, *shape, generator=generator)

        chosen = self._choose(uniform)
        drawers = uniform(self.way if self.mixed else 1, n_drawers).topk(shots + queries).indices
        plan = Episodes(chosen, drawers.expand(-1, self.way, -1), shots)
        symmetry = torch.zeros_like(chosen)
        if self.symmetries:
            each = (uniform(len(self.alphabets)) * SYMMETRIES).long()
            symmetry = each.gather(1, self._alphabet[chosen])
        character = self.characters[chosen]
        info = {"character": character, "symmetry": symmetry, "drawing": plan.examples}
        x = self.drawings.images[character[..., None], plan.examples].float() / 255
        flat = reflect(x.flatten(0, 2), symmetry.repeat_interleave(shots + queries, 1).flatten())
        if self.warped:
            flat = warp(flat, generator)
        batch = plan.batch(flat.view_as(x)[:, :, :, None], info)
        return batch._replace(
            **{name: getattr(batch, name).to(device) for name in batch._fields[:4]},
            info={name: value.to(device) for name, value in info.items()},
        )

    def _choose(self, uniform) -> Tensor:
        """(tasks, way) places in `characters`: characters in order of their random keys."""
        key = uniform(len(self.characters))
        if not self.mixed:  # first by alphabet: the whole of one, then of the next
            sizes = torch.bincount(self._alphabet, minlength=len(self.alphabets))
            rank = uniform(len(self.alphabets)).argsort(1)
            rank = rank + len(self.alphabets) * (sizes < self.way)  # too small ones come last
            key = key + rank[:, self._alphabet]
        places = key.topk(self.way, largest=False).indices
        order = uniform(self.way).argsort(1)  # labels are dealt anew
        return places.gather(1, order)


def split_alphabets(of_each: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """split -> its alphabets, given the alphabet of each character.

    Omniglot's evaluation alphabets are the release's. Of the others, an eighth is held out
    for validation: the first of those with 20 characters or more, in the order of the SHA-256 of
    their names. Of other data, every third alphabet in that order is for testing.
    """
    sizes = Counter(of_each)
    order = sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest())
    test = [name for name in order if name in EVALUATION] or order[::3]
    background = [name for name in order if name not in test]
    held_out = [name for name in background if sizes[name] >= ENOUGH][: -(-len(background) // 8)]
    train = [name for name in background if name not in held_out]
    splits = {"train": train, "validation": held_out, "test": test}
    return {split: tuple(sorted(names)) for split, names in splits.items()}
