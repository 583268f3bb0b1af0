"""New log lines of all processes of a node, as they are written: what `docker logs` of the container shows."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.operation.log_lines import LogSource, Wanted, log_sources, stamp

_POLL_S = 0.5
_LIST_EVERY_S = 2.0
_MOST_BYTES_A_FILE, _MOST_BYTES = 1024 * 1024, 8 * 1024 * 1024
"""In one poll. What is more waits in the files; memory does not grow."""
_LONGEST_LINE = 256 * 1024


@dataclass(slots=True)
class _Tail:
    source: LogSource
    position: int

    def new_lines(self) -> list[str]:
        """Whole lines since the last call."""
        with self.source.path.open("rb") as file:
            file.seek(self.position)
            block = file.read(_MOST_BYTES_A_FILE)
        end = block.rfind(b"\n") + 1
        if not end and len(block) > _LONGEST_LINE:
            end = len(block)  # no line of ours
        self.position += end
        lines = block[:end].decode(errors="replace").splitlines()
        return list(filter(None, map(self.source.translate, lines)))


class LogFollower:
    """Looks for new lines twice a second: `poll` gives what came since, `run` says it until somebody interrupts.

    Lines of one poll come in the order of time. Files that are there at the start are followed from their end,
    or with `wanted.since` from their beginning; those that come later are read whole.
    """

    def __init__(
        self,
        folder: Path,
        session_logs: Callable[[], Path | None],
        wanted: Wanted,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._session_logs, self._wanted, self._clock = folder, session_logs, wanted, clock
        self._tails: dict[Path, _Tail] = {}
        self._listed_s: float | None = None
        self._list(from_start=bool(wanted.since))

    def run(self, say: Callable[[str], None], stopping: threading.Event) -> None:
        """Until `stopping`, and once more then."""
        while not stopping.is_set():
            self._say(say)
            stopping.wait(_POLL_S)
        self._say(say)

    def poll(self) -> list[str]:
        """What came since the last call, at most 8 MiB of it."""
        if self._listed_s is None or self._clock() - self._listed_s >= _LIST_EVERY_S:
            self._list(from_start=True)
        found: list[str] = []
        left = _MOST_BYTES
        for tail in list(self._tails.values()):
            if left > 0:
                before = tail.position
                found += [line for line in self._new(tail) if self._wanted.admits(line)]
                left -= tail.position - before
        found.sort(key=stamp)
        return found

    def _say(self, say: Callable[[str], None]) -> None:
        for line in self.poll():
            say(line)

    def _new(self, tail: _Tail) -> list[str]:
        try:
            size = tail.source.path.stat().st_size
            if size < tail.position:
                tail.position = 0  # Ray's own files are cut when they are full
            return tail.new_lines() if size > tail.position else []
        except OSError:
            self._tails.pop(tail.source.path, None)
            return []

    def _list(self, *, from_start: bool) -> None:
        self._listed_s = self._clock()
        for source in log_sources(self._folder, self._session_logs()):
            if source.path not in self._tails:
                with contextlib.suppress(OSError):
                    start = 0 if from_start else source.path.stat().st_size
                    self._tails[source.path] = _Tail(source, start)
