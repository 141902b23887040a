"""A check of each batch for labels that do not fit the learner and would go unnoticed."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.types import refuse_arrays
from maml_edu.learners.base import Learner
from maml_edu.models import head_names
from maml_edu.tasks import TaskBatch

PADDING = -100  # the label that cross-entropy leaves out, by PyTorch's default


def one_by_one(learner: Learner) -> bool:
    """Whether its network must run on one task after the other; see `Model.side_by_side`."""
    return not getattr(learner.model, "side_by_side", True)


def ways(learner: Learner) -> int | None:
    """How many classes a learner tells apart: its `way`, or the rows of its model's head."""
    if hasattr(learner, "way"):
        return learner.way
    head = head_names(learner.model)
    return learner.model.shapes()[head[0]][0] if head else None


def check_batch(learner: Learner, batch: TaskBatch) -> None:
    """Raise an InputError where a batch of tasks does not suit the learner.

    Its parts must be tensors, not NumPy arrays. Labels must be int64 (or uint8), from 0 to way - 1
    (or PADDING); some learners need an example of every class in each support set. Class
    probabilities (tasks, samples, way) and the targets of a regression may be anything. This reads
    the labels' values, once a batch, so call it outside of `vmap` and of captured functions.
    """
    refuse_arrays(**dict(zip(batch._fields[:4], batch[:4], strict=True)))
    if not hasattr(learner, "way") and learner.loss is not cross_entropy:
        return
    sets = {"support_y": batch.support_y, "query_y": batch.query_y}
    for name, y in sets.items():
        probabilities = y.is_floating_point() and y.dim() == 3
        if y.dtype not in (torch.int64, torch.uint8) and not probabilities:
            raise InputError(f"{name} is of {y.dtype}; labels must be of torch.int64")
    way = ways(learner)
    if way is not None and not batch.support_y.is_floating_point():
        _check_labels(learner, sets, way)


def _check_labels(learner: Learner, sets: dict[str, Tensor], way: int) -> None:
    fine = {name: ((y >= 0) & (y < way)) | (y == PADDING) for name, y in sets.items()}
    good = torch.stack([ok.all() for ok in fine.values()]).all()
    if learner.needs_every_class:
        classes = torch.arange(way, device=good.device)
        present = (sets["support_y"][..., None] == classes).any(-2)  # (tasks, way)
        good = good & present.all()
    if good:  # one look at the values, whatever device they are on
        return
    user = f"this {type(learner).__name__} tells {way} classes apart"
    for name, ok in fine.items():
        if not ok.all():
            label = sets[name][~ok][0].item()
            raise InputError(f"{name} has the label {label}; {user}, 0 to {way - 1}")
    task, missing = (~present).nonzero()[0].tolist()
    raise InputError(
        f"support_y of task {task} lacks the label {missing}; {user}, and needs examples of each"
    )
