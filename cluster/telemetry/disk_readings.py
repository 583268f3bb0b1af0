"""Reads how full the disk is on which a node keeps its data. Ray tells of `/` only, and on Kubernetes of nothing."""

import shutil
import threading
from pathlib import Path

import structlog

from cluster.telemetry import metrics

_log = structlog.get_logger()
EVERY_S = 3.0
"""Before Ray forgets it: a disk that does not answer must not look as it did last."""


class DiskReadings:
    """`run` blocks, for as long as the disk does too, and belongs to a thread of its own; any may call `stop`."""

    def __init__(self, node: str, folder: Path) -> None:
        self._node, self._folder = node, folder
        self._stopping = threading.Event()

    def run(self) -> None:
        """Reads until `stop`."""
        while not self._stopping.is_set():
            try:
                self.read()
            except OSError as error:
                _log.warning("disk_not_read", folder=str(self._folder), reason=str(error))
            self._stopping.wait(EVERY_S)

    def stop(self) -> None:
        self._stopping.set()

    def read(self) -> None:
        """Once. Root's reserve counts as taken: it is not for us."""
        folder = next(place for place in (self._folder, *self._folder.parents) if place.exists())
        usage = shutil.disk_usage(folder)
        metrics.data_disk_used.set(100 * usage.used / max(usage.used + usage.free, 1), {"node": self._node})
