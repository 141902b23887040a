"""Any trained learner in one file: its theta, its options, and its model's constants.

The network itself is code, and stays with the reader: to load a learner, she gives it again. (A
checkpoint, `maml_edu.runs.checkpoint`, knows its network as well, but only the package's own.)
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.nn import functional

from maml_edu.foundation.checks import InputError, plain
from maml_edu.foundation.files import FileError
from maml_edu.foundation.types import Device, Theta
from maml_edu.learners import LEARNERS, Learner
from maml_edu.models import Model
from maml_edu.runs.tensor_files import check_tensors, read_tensors, write_tensors

FORMAT = "maml_edu learner 1"
SUFFIX = ".safetensors"


def save_learner(path: str | os.PathLike, learner: Learner, theta: Theta) -> Path:
    """Write `<path>.safetensors`, the whole file or none, and return where it is.

    theta: what was trained, in float32. Raises InputError for options that are no numbers or texts
    (a network's own loss is named only), FileError for a theta of another learner.
    """
    file = _file(path)
    check_tensors(theta, learner.shapes(), file)
    tensors = {f"theta/{name}": p for name, p in theta.items()}
    tensors |= {f"constants/{name}": c for name, c in _constants(learner.model).items()}
    about = {"learner": learner.name or type(learner).__name__, "loss": _loss_name(learner.loss)}
    about["options"] = {
        f.name: _json(f.name, getattr(learner, f.name))
        for f in fields(learner)
        if f.init and f.name not in ("model", "loss")
    }
    kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(file, kept, {"format": FORMAT, "learner": json.dumps(about)})
    return file


def load_learner(
    path: str | os.PathLike,
    model: Model,
    *,
    loss: Callable[[Any, Any], Tensor] | None = None,
    kind: type[Learner] | None = None,
    device: Device = None,
) -> tuple[Learner, Theta]:
    """The learner of a file, with its options as they were saved, and its theta.

    model: the network that it was trained with, made anew; its constants (frozen parameters,
        buffers) become those of the file. loss: default: the saved one, where that is PyTorch's.
    kind: the learner's class, where it is the reader's own. Default: the package's.
    Raises FileError or InputError where the file, the model and these do not fit together.
    """
    file = _file(path)
    tensors, metadata, _ = read_tensors(file)
    if metadata.get("format") != FORMAT:
        raise FileError(f"{file} is not a learner's file ({FORMAT!r})")
    about = json.loads(metadata["learner"])
    kind = kind or LEARNERS.get(about["learner"])
    if kind is None:
        raise InputError(f"{file} holds a {about['learner']}, not of this package; give its kind")
    if (kind.name or kind.__name__) != about["learner"]:
        raise InputError(f"kind is {kind.__name__}; {file} holds a {about['learner']}")
    loss = loss or getattr(functional, about["loss"], None)
    if loss is None:
        raise InputError(f"{file} was trained with a loss called {about['loss']}; give that loss")
    found: dict[str, Theta] = {"theta": {}, "constants": {}}
    for name, tensor in tensors.items():
        part, _, its = name.partition("/")
        found[part][its] = tensor.to(device)
    _check_constants(found["constants"], _constants(model), file)
    if found["constants"]:
        model = model.with_constants(found["constants"])
    learner = kind(model, loss, **about["options"])
    check_tensors(found["theta"], learner.shapes(), file)
    return learner, {name: found["theta"][name] for name in learner.shapes()}


def _file(path: str | os.PathLike) -> Path:
    path = Path(path).expanduser()
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


def _constants(model: Any) -> Theta:
    return getattr(model, "constants", {})  # a model that is a plain function has none


def _loss_name(loss: Callable) -> str:
    return getattr(loss, "__name__", type(loss).__name__)


def _json(name: str, value: Any) -> Any:
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.item()
    if isinstance(value, Mapping):
        return {key: _json(f"{name}[{key!r}]", each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_json(f"{name}[{i}]", each) for i, each in enumerate(value)]
    value = plain(value)
    if value is not None and not isinstance(value, int | float | str):
        kind = type(value).__name__
        raise InputError(f"{name} is a {kind}; a file holds numbers and texts: put it into theta")
    return value


def _check_constants(found: Theta, wanted: Theta, file: Path) -> None:
    for name in {*found, *wanted}:
        pair = [of.get(name) for of in (found, wanted)]
        shapes = ["nothing" if c is None else f"{c.dtype} {tuple(c.shape)}" for c in pair]
        if shapes[0] != shapes[1]:
            raise FileError(
                f"{file} belongs to another network: it has {shapes[0]} for the constant {name}, "
                f"and this model {shapes[1]}"
            )
