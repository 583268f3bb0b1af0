"""What the event store answers with, and how it is asked."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cluster.safety.events import EpisodeState, SafetyEvent, Severity


class SnapshotState(StrEnum):
    """none: none is expected. pending: its picture is on the way. lost: it will never come."""

    NONE = "none"
    PENDING = "pending"
    STORED = "stored"
    LOST = "lost"


class ChangeKind(StrEnum):
    """What a change did to its event. `event`: it was inserted or got a higher revision."""

    EVENT = "event"
    SNAPSHOT_STORED = "snapshot_stored"
    SNAPSHOT_LOST = "snapshot_lost"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """The highest revision of an event, and what belongs to its row only.

    `change_number` is that of its last change. `occurrence` counts what was news about it: opened, opened again after
    its end, became worse. The acknowledgement is that of the present one; `acknowledged_way` says how (`api`: by a name
    that somebody gave himself, `link`: by the signed link in a message, `signed_in`: by
    somebody who is known). Times are UTC.
    """

    event: SafetyEvent
    snapshot_state: SnapshotState
    snapshot_name: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    acknowledged_remark: str | None
    change_number: int
    occurrence: int = 1
    acknowledged_way: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log, with its event as it is now: it may be newer than the change."""

    number: int
    kind: ChangeKind
    event: StoredEvent


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; None: any. `opened_after` is included, `opened_before` is not. `cameras`: those that who asks may
    see, of which `camera_id` may choose one."""

    camera_id: str | None = None
    zone_id: str | None = None
    event_type: str | None = None
    severity: Severity | None = None
    state: EpisodeState | None = None
    acknowledged: bool | None = None
    opened_after: datetime | None = None
    opened_before: datetime | None = None
    cameras: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first. `next_cursor` continues after the last one, None: there are no more."""

    items: tuple[StoredEvent, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the list of events a page ends; readers get it as an opaque cursor."""

    opened_at: datetime
    event_id: str

    @property
    def cursor(self) -> str:
        return base64.urlsafe_b64encode(f"{self.opened_at.isoformat()}|{self.event_id}".encode()).decode()

    @classmethod
    def of(cls, cursor: str) -> "Position":
        """The position that `cursor` stands for.

        Raises:
            ValueError: it is none that this store gave out.
        """
        try:
            text = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode()
            moment, separator, event_id = text.partition("|")
            opened_at = datetime.fromisoformat(moment)
        except (ValueError, binascii.Error) as error:
            raise _wrong(cursor) from error
        if not separator or not event_id or opened_at.tzinfo is None:
            raise _wrong(cursor)
        return cls(opened_at, event_id)


def _wrong(cursor: str) -> ValueError:
    return ValueError(
        f"cursor: {cursor[:80]!r} is none that a page of events gave; leave it out to begin at the newest"
    )
