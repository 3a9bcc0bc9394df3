"""Waiting for conditions: every wait has a deadline, and none is a blind sleep."""

import time
from typing import Callable, TypeVar

SECONDS = 40.0
STEP_SECONDS = 0.01

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str | Callable[[], str], seconds: float = SECONDS) -> T:
    """What the condition returns once that is true; AssertionError when it never is."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(STEP_SECONDS)
    return result


def holds_for(condition: Callable[[], bool], seconds: float) -> bool:
    """False as soon as the condition is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(STEP_SECONDS)
    return True
