"""Random numbers: where a generator draws, and PyTorch's own, such as dropout's, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def device_of(generator: torch.Generator | None) -> torch.device | None:
    """Where random numbers are drawn: on the generator's device; None, PyTorch's default."""
    return None if generator is None else generator.device


@contextmanager
def random_state(seed: int | None = None) -> Iterator[None]:
    """Within, PyTorch's global generators start from `seed` (None: from where they are); after it
    they go on as if nothing had been drawn."""
    on_gpu = torch.cuda.is_initialized()
    kept = torch.default_generator.get_state(), torch.cuda.get_rng_state_all() if on_gpu else []
    if seed is not None:
        torch.default_generator.manual_seed(seed)
        if on_gpu:
            torch.cuda.manual_seed_all(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(kept[0])
        if on_gpu:
            torch.cuda.set_rng_state_all(kept[1])
