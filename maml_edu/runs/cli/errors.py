"""What a command says, and how it says that something cannot be done."""

from __future__ import annotations

import os
import sys

from maml_edu.foundation.checks import InputError


class CommandError(InputError):
    """Something that cannot be done; the message says why, and what to do instead."""

    status = 1


class UsageError(CommandError):
    """An option that was understood and cannot be meant."""

    status = 2


def say(sentence: str) -> None:
    """To stderr, once for each machine: its first worker speaks for the others."""
    if int(os.environ.get("LOCAL_RANK", 0)) == 0:
        print(f"maml_edu: {sentence}", file=sys.stderr)
