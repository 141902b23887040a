"""Flags made from options: what a learner or a config can be given, the command line can give."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING
from typing import Any

from maml_edu.foundation.checks import InputError
from maml_edu.foundation.options import Option, Options


class UsageError(InputError):
    """An option that was understood but cannot be used."""

    status = 2  # of the command


@contextmanager
def usage() -> Iterator[None]:
    """Turn an InputError raised within into a UsageError."""
    try:
        yield
    except InputError as error:
        raise UsageError(str(error)) from error


def add_flags(
    parser: argparse.ArgumentParser, title: str, options: Options, usual: dict[str, Any]
) -> None:
    """A group of flags, one an option. usual: defaults to show in place of the options' own.

    A flag that is not given leaves None.
    """
    group = parser.add_argument_group(title)
    for name, option in options.items():
        _add_flag(group, name, option, usual.get(name, option.default))


def _add_flag(group: Any, name: str, option: Option, default: Any) -> None:
    how: dict[str, Any] = {"help": option.help.replace("%", "%%")}
    if "default:" not in option.help and not any(default is x for x in (None, MISSING, False)):
        several = isinstance(default, list | tuple)
        how["help"] += f" (default: {' '.join(map(str, default)) if several else default})"
    kind = getattr(option.check, "kind", type(option.default))
    if kind is bool:
        how["action"] = argparse.BooleanOptionalAction if default is True else "store_true"
        how["default"] = None
    elif kind is str:
        how["choices"] = option.check.names
    else:
        nargs = "+" if isinstance(option.default, tuple) else None
        how |= {"type": kind, "nargs": nargs, "metavar": "N"}
    group.add_argument("--" + name.replace("_", "-"), **how)


def given(args: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """The options that the command line gave, by name."""
    found = {name: getattr(args, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def add_device(parser: argparse.ArgumentParser) -> None:
    help = "where to compute; auto takes a CUDA GPU if PyTorch sees one (default: auto)"
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help=help
    )


def device_of(name: str) -> str:
    """The device meant by --device. Raises UsageError where PyTorch does not see it."""
    import torch

    seen = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if name in seen and not seen[name]():
        device = "CUDA device" if name == "cuda" else "Apple GPU"
        raise UsageError(f"--device is {name}; PyTorch sees no {device} here, so use cpu or auto")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
