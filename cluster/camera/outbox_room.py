"""Room in an outbox: what is given up, in which order, and how that is said."""

from collections import Counter
from collections.abc import Iterable

import structlog

from cluster.camera.outbox_files import OutboxFiles, picture_names, record_name
from cluster.camera.outbox_index import OutboxIndex, Part
from cluster.safety.events import Severity
from cluster.telemetry import metrics

_PICTURE_SHARE = 3


class Room:
    """Keeps the index under `max_bytes`, pictures under a third of it, and counts what that costs."""

    def __init__(self, files: OutboxFiles, index: OutboxIndex, max_bytes: int, camera_id: str) -> None:
        self._files, self._index, self._max_bytes = files, index, max_bytes
        self._camera_id = camera_id
        self._log = structlog.get_logger().bind(camera_id=camera_id)
        self.dropped: Counter[Severity] = Counter()

    def make(self, size: int, severity: Severity) -> bool:
        """Room for a record of `size` bytes; False: nothing that may go for `severity` is left."""
        while self._index.total_bytes + size > self._max_bytes:
            if not self.give_up_one(severity):
                return False
        return True

    def make_for_pictures(self, size: int, severity: Severity) -> bool:
        """Pictures make room for pictures, never events."""
        while not self._pictures_fit(size):
            if not self.give_up_one(severity, pictures_only=True):
                return False
        return True

    def give_up_one(self, severity: Severity, *, pictures_only: bool = False) -> bool:
        """Gives up what is worth least for an event of `severity`; False: nothing may go."""
        choice = self._index.expendable(severity, pictures_only=pictures_only)
        if choice is None:
            return False
        part, entry = choice
        if part is Part.PICTURES:
            self.count_pictures(entry.sequence, entry.severity, "no room")
            self._index.drop_pictures(entry)
        else:
            self.count(entry.severities, entry.event_ids)
            self._files.remove(record_name(entry.sequence, entry.stage))
            self._index.remove(entry)
        self.remove_pictures(entry.sequence)
        return True

    def remove_pictures(self, sequence: int) -> None:
        for name in picture_names(sequence):
            self._files.remove(name)

    def count(self, severities: Iterable[Severity], event_ids: tuple[str, ...]) -> None:
        """Says that these revisions are given up."""
        for severity, count in Counter(severities).items():
            self.dropped[severity] += count
            metrics.outbox_dropped.inc(count, {"camera_id": self._camera_id, "severity": severity.value})
            self._log.error("outbox_dropped", severity=severity.value, events=count, event_ids=event_ids)

    def count_pictures(self, sequence: int, severity: Severity, reason: str) -> None:
        self._log.error("outbox_picture_dropped", sequence=sequence, severity=severity.value, reason=reason)

    def _pictures_fit(self, size: int) -> bool:
        share = self._max_bytes // _PICTURE_SHARE
        return self._index.picture_bytes + size <= share and self._index.total_bytes + size <= self._max_bytes
