"""Drawings to look at, and questions about drawings; neither has frames to move through."""

from dataclasses import dataclass

import numpy as np

from maml_edu.views.scenes.base import Panel, Scene, scene
from maml_edu.views.scenes.marks import Images


@dataclass(frozen=True)
class ImageGrid:
    """Some drawings in a row or a grid, each with a few words under it: a part of a Gallery."""

    title: str
    images: np.ndarray  # (n, height, width), 1 for ink and 0 for paper
    captions: tuple[str, ...]  # (n,)
    labels: tuple[int, ...] | None = None  # (n,) gives each the colour of its class
    columns: int = 10  # at most; a narrow page has fewer


@dataclass(frozen=True)
class Gallery:
    """Drawings to look at, such as the support and query set of a task."""

    title: str
    parts: tuple[ImageGrid, ...]
    summary: str  # what there is to see, in words


@dataclass(frozen=True)
class QuizQuestions:
    """One-shot questions: which candidate is the same character as the query?

    Pixels run from 0 for paper to 1 for ink. The quiz widget asks them; they have no scene.
    """

    query: np.ndarray  # (questions, height, width) the drawing that is asked about
    support: np.ndarray  # (questions, way, height, width) the candidates
    answer: np.ndarray  # (questions,) the right candidate, 0 to way - 1
    guesses: np.ndarray | None = None  # (questions,) what a model chose, if there is one
    model: str = "the model"  # what to call it

    @property
    def way(self) -> int:
        return self.support.shape[1]

    def __len__(self) -> int:
        return len(self.query)


@scene.register
def gallery_scene(gallery: Gallery) -> Scene:
    """One panel a part, `part-0`, `part-1`, …, below each other."""
    if not gallery.parts:
        raise ValueError("parts is empty; a gallery needs at least one part")
    panels = []
    for i, part in enumerate(gallery.parts):
        mark = Images("contour", None, part.images, [part.captions], part.labels, part.columns)
        alt = f"{len(part.images)} drawings: {', '.join(part.captions)}."
        panels.append(Panel(f"part-{i}", part.title, [mark], [alt]))
    return Scene(gallery.title, panels, [gallery.summary], "picture")
