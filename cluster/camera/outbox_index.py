"""What lies in an outbox, in memory: sizes, order, and what may go first."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from cluster.camera.outbox_files import Stage
from cluster.safety.events import Severity


@dataclass(slots=True)
class Entry:
    """One record. `waiting` are the ids of its events whose pictures are neither stored nor told lost; `added_s` is
    when it was accepted, by this process or one before (monotonic; below 0 if before the start of the machine)."""

    sequence: int
    stage: Stage
    severities: tuple[Severity, ...]
    event_ids: tuple[str, ...]
    waiting: set[str]
    record_bytes: int
    picture_bytes: int
    added_s: float = field(default_factory=time.monotonic)
    severity: Severity = field(init=False)

    def __post_init__(self) -> None:
        self.severity = max(self.severities, key=lambda severity: severity.rank, default=Severity.INFO)


class Part(StrEnum):
    """What of a record is given up."""

    PICTURES = "pictures"
    EVENTS = "events"


# What goes, and for whom: (part, of which severity, for an event of at least). Pictures of low severity
# go before any event; the picture of a CRITICAL one outlives INFO events. CRITICAL events never go.
_GIVEN_UP = (
    (Part.PICTURES, Severity.INFO, Severity.INFO),
    (Part.PICTURES, Severity.WARNING, Severity.INFO),
    (Part.EVENTS, Severity.INFO, Severity.INFO),
    (Part.PICTURES, Severity.CRITICAL, Severity.WARNING),
    (Part.EVENTS, Severity.WARNING, Severity.WARNING),
)

_Queue = OrderedDict[int, Entry]


class OutboxIndex:
    """Every entry in order, and queues over them; each step takes constant time."""

    def __init__(self) -> None:
        self._entries: _Queue = OrderedDict()
        self._unsent: _Queue = OrderedDict()
        self._deferred: _Queue = OrderedDict()
        self._sent: _Queue = OrderedDict()
        self._events = {severity: _Queue() for severity in Severity}
        self._pictures = {severity: _Queue() for severity in Severity}
        self.newest = 0
        self.record_bytes = 0
        self.picture_bytes = 0
        self.depth = 0

    @property
    def total_bytes(self) -> int:
        return self.record_bytes + self.picture_bytes

    def get(self, sequence: int) -> Entry | None:
        return self._entries.get(sequence)

    def add(self, entry: Entry) -> None:
        """Takes `entry` in as the newest."""
        sequence = entry.sequence
        self._entries[sequence] = entry
        self.newest = sequence
        self.record_bytes += entry.record_bytes
        self.picture_bytes += entry.picture_bytes
        if entry.picture_bytes:
            self._pictures[entry.severity][sequence] = entry
        if entry.stage is Stage.UNSENT:
            self._unsent[sequence] = self._events[entry.severity][sequence] = entry
            self.depth += len(entry.severities)
        elif entry.stage is Stage.SENT:
            self._sent[sequence] = entry

    def remove(self, entry: Entry) -> None:
        self.leave_queues(entry)
        self.drop_pictures(entry)
        del self._entries[entry.sequence]
        self.record_bytes -= entry.record_bytes

    def leave_queues(self, entry: Entry) -> None:
        """Nobody waits for its events or pictures any more."""
        waited = [queue.pop(entry.sequence, None) for queue in (self._unsent, self._deferred)]
        if any(waited):
            self.depth -= len(entry.severities)
        self._events[entry.severity].pop(entry.sequence, None)
        self._sent.pop(entry.sequence, None)

    def await_pictures(self, entry: Entry) -> None:
        """Its events are recorded, its pictures are not stored."""
        self.leave_queues(entry)
        entry.stage = Stage.SENT
        self._sent[entry.sequence] = entry

    def keep_state(self, entry: Entry) -> None:
        """All done, but its open episodes are the newest."""
        self.leave_queues(entry)
        self.drop_pictures(entry)
        entry.stage = Stage.STATE

    def drop_pictures(self, entry: Entry) -> None:
        self._pictures[entry.severity].pop(entry.sequence, None)
        self.picture_bytes -= entry.picture_bytes
        entry.picture_bytes = 0

    def defer(self, sequence: int) -> None:
        """Puts an unsent entry behind the others, those to come included."""
        entry = self._unsent.pop(sequence, None) or self._deferred.pop(sequence, None)
        if entry is not None:
            self._deferred[sequence] = entry

    def defer_pictures(self, sequence: int) -> None:
        """Puts an entry behind the others that await their pictures."""
        if sequence in self._sent:
            self._sent.move_to_end(sequence)

    def unsent(self) -> Iterator[Entry]:
        return iter(self._unsent.values())

    def deferred(self) -> Iterator[Entry]:
        return iter(self._deferred.values())

    def oldest_s(self) -> float | None:
        """When the oldest unsent entry was added, None: there is none."""
        oldest = (next(iter(queue.values()), None) for queue in (self._unsent, self._deferred))
        return min((entry.added_s for entry in oldest if entry is not None), default=None)

    def unsent_ids(self) -> frozenset[str]:
        return frozenset(one for entry in (*self.unsent(), *self.deferred()) for one in entry.event_ids)

    def awaiting_pictures(self) -> Iterator[Entry]:
        return iter(self._sent.values())

    @property
    def pictures_waiting(self) -> int:
        return len(self._sent)

    def expendable(self, severity: Severity, *, pictures_only: bool = False) -> tuple[Part, Entry] | None:
        """What goes first for an event of `severity`, None if nothing may.

        The newest record stays: until the next one is written its open episodes are the only ones.
        """
        for part, of, at_least in _GIVEN_UP:
            if severity.rank < at_least.rank or (pictures_only and part is Part.EVENTS):
                continue
            queue = (self._pictures if part is Part.PICTURES else self._events)[of]
            entry = next(iter(queue.values()), None)
            if entry is not None and (part is Part.PICTURES or entry.sequence != self.newest):
                return part, entry
        return None
