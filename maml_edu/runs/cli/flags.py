"""Flags made from options: what a learner or a config can be given, the command line can give."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

from maml_edu.foundation.options import Option, Options
from maml_edu.runs.cli.errors import UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")


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
    flag = "--" + name.replace("_", "-")
    help = option.help.replace("%", "%%")
    if "default:" not in help and default not in (None, MISSING, False):
        help += f" (default: {_text(default)})"
    if option.type is bool:
        action = argparse.BooleanOptionalAction if default is True else "store_true"
        group.add_argument(flag, action=action, default=None, help=help)
    elif option.choices:
        group.add_argument(flag, choices=option.choices, help=help)
    elif isinstance(option.default, tuple):
        group.add_argument(flag, type=option.type, nargs="+", help=help, metavar="N")
    else:
        group.add_argument(flag, type=option.type, help=help, metavar="N")


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def given(args: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """The options that the command line gave, by name."""
    found = {name: getattr(args, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="where to compute; auto takes a CUDA GPU if PyTorch sees one (default: auto)",
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


def one_thread() -> None:
    """More threads only slow a network of this size down, and one adds in one order."""
    import torch

    torch.set_num_threads(1)
