"""The one thread of a process that waits for the disk of the log and for whoever reads stdout: nobody else does."""

import threading
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

LINES = 4096
"""That may wait to be written; those that come after are lost, and counted."""


class LogWriter:
    """Writes lines in the order in which they came. Any thread may call, also a signal handler in the midst of `put`.

    `on_lost` is called for each line that found no room, in the thread that had it.
    """

    def __init__(self, on_lost: Callable[[], None], *, lines: int = LINES) -> None:
        self._on_lost, self._lines = on_lost, lines
        # Its `put` is reentrant and waits for nothing; its bound is kept in ours.
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Once or more. Daemon: a disk that hangs must not hold up the end of the process."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
            self._thread.start()

    def put(self, write: Callable[[str], None], line: str) -> None:
        """`write(line)` soon; waits for nothing."""
        if self._tasks.qsize() >= self._lines:
            self._on_lost()
        else:
            self._tasks.put(partial(write, line))

    def afterwards(self, act: Callable[[], None]) -> None:
        """`act()` when what came before is written, whatever the bound: for the few that end an output."""
        self._tasks.put(act)

    def flush(self, timeout_s: float) -> bool:
        """Waits until what was put before is written; False: it is not, in that time."""
        if self._thread is None or not self._thread.is_alive():
            return self._tasks.empty()
        written = threading.Event()
        self._tasks.put(written.set)
        return written.wait(timeout_s)

    def stop(self) -> None:
        """Ends the thread when what was put before is written."""
        self._tasks.put(None)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            # The border of the loop: a line that cannot be written must not be the last one. Nobody can be told by log.
            except Exception:  # noqa: BLE001
                self._on_lost()
