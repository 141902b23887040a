"""What all tests share. Each test directory has its own fixtures beside it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "agg")
# A script that runs us with `&` has Ctrl-C ignored, by us and by all that the tests start and stop.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, scope="session")
def _one_thread_each():
    """Workers share the cores: a thread for each keeps timings steady and sums in one order."""
    import torch

    torch.set_num_threads(1)
