"""Waiting for a condition; the limits are generous and only end a broken test."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Answer = TypeVar("Answer")
PATIENCE_S = 60.0
"""Ends a broken test; no figure of the product."""


def wait_for(
    what: str,
    look: Callable[[], Answer | None],
    limit_s: float = PATIENCE_S,
    *,
    every_s: float = 0.2,
    instead: Callable[[], Any] = lambda: "",
) -> Answer:
    """The first answer of `look` that is true; `instead` says what was there when it took too long."""
    waiting, deadline_s = threading.Event(), time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        if answer := look():
            return answer
        waiting.wait(every_s)
    pytest.fail(f"{what}: not within {limit_s:g} s. {instead()}")
