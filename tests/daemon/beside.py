"""What goes on beside a test."""

import threading
from contextlib import contextmanager
from typing import Callable, Iterator


@contextmanager
def all_the_time(step: Callable[[], object], pause_seconds: Callable[[], float]) -> Iterator[None]:
    """One step after another; the first that fails is raised at the end."""
    over, failures = threading.Event(), []

    def keep_on() -> None:
        try:
            while not over.wait(pause_seconds()):
                step()
        except Exception as failure:
            failures.append(failure)

    thread = threading.Thread(target=keep_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]
