"""Options that several commands share, and what is wrong with them."""

from __future__ import annotations

import argparse


class UsageError(ValueError):
    """An option that was understood and cannot be meant."""

    status = 2


def add_command(commands, name: str, help: str, description: str, epilog: str, run):
    """A sub-command with its own `run(args, command)`; returns its parser."""
    parser = commands.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def add_number(parser: argparse.ArgumentParser, flag: str, kind: type, default, text: str) -> None:
    """An option that takes a number, and whose help tells its default where it has one."""
    shown = "" if default is None else f" (default: {default})"
    parser.add_argument(flag, type=kind, default=default, help=text + shown, metavar="N")


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where to compute; auto takes the GPU if PyTorch sees one (default: auto)",
    )


def add_compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compile",
        action="store_true",
        help="fuse and compile the meta-step first, for a long run: needs a C++ compiler",
    )


def device_of(name: str) -> str:
    """The device meant by --device."""
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device is cuda; PyTorch sees no CUDA device here, so use cpu or auto")
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name


def one_thread() -> None:
    """More threads only slow a network of this size down, and one adds in one order."""
    import torch

    torch.set_num_threads(1)
