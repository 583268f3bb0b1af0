"""Ctrl-C that ends things in order: the first asks to stop, the second hurries, none is lost."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from cluster.safety.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Turns signals into two flags, so that no signal can strike between starting a process and noting its id.

    Used as a context manager by the main thread, which restores the former handlers at its end.
    `stopping` may be waited on and set from any thread.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.hurrying = threading.Event()
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            Interrupted: somebody asked to stop.
        """
        if self.stopping.wait(seconds):
            raise Interrupted("stopped on request")

    def check(self) -> None:
        """Raise `Interrupted` if somebody asked to stop."""
        self.pause(0.0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.stopping.is_set():
            self.hurrying.set()
        self.stopping.set()
