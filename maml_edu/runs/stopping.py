"""How a run is asked to stop: Ctrl-C or SIGTERM, once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stopped(Exception):
    """Somebody asked the run to stop, and its state was saved."""


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C or SIGTERM into an event, so that no save is cut in two; a second one
    interrupts at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread may listen to signals
        return

    def request(number, frame):
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
