"""Gauges that stand until they are changed: Ray forgets one that was not set for two report intervals."""

import threading
from collections.abc import Mapping
from typing import Any

from ray.util.metrics import Gauge

REFRESH_S = 1.0
"""Below every report interval that Ray takes."""

_Tags = tuple[tuple[str, str], ...]


class Refresher:
    """Sets again what was set last, in a thread that begins with the first gauge. Any thread may call."""

    def __init__(self, every_s: float = REFRESH_S) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._kept: dict[tuple[Gauge, _Tags], float] = {}
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def keep(self, gauge: Gauge, tags: Mapping[str, str], value: float) -> None:
        with self._lock:
            self._kept[gauge, tuple(tags.items())] = value
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="steady-gauges", daemon=True)
                self._thread.start()

    def forget(self, gauge: Gauge, tags: Mapping[str, str]) -> None:
        """From now on it is not set again, and soon it is not exported any more."""
        with self._lock:
            self._kept.pop((gauge, tuple(tags.items())), None)

    def refresh(self) -> None:
        """Sets all of them again."""
        with self._lock:
            # Under the lock: what is set anew meanwhile must not be followed by the value before.
            for (gauge, tags), value in self._kept.items():
                gauge.set(value, dict(tags))

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self.refresh()


REFRESHER = Refresher()
"""One a process."""


class SteadyGauge:
    """A gauge for what is a state of its process, not a reading: it stands as long as the process lives. Not for what
    a loop measures again and again: when that loop hangs, its gauge should vanish."""

    def __init__(self, gauge: Gauge, refresher: Refresher = REFRESHER) -> None:
        self._gauge, self._refresher = gauge, refresher

    @property
    def info(self) -> dict[str, Any]:
        """As Ray's gauges say it."""
        return dict(self._gauge.info)

    def set(self, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Until it is set again or forgotten."""
        self._refresher.keep(self._gauge, tags or {}, value)
        self._gauge.set(value, dict(tags or {}))

    def forget(self, tags: Mapping[str, str] | None = None) -> None:
        """There is nothing to say any more."""
        self._refresher.forget(self._gauge, tags or {})
