"""What the database shows open, for whoever goes on with it. Knows no Ray."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import StorageError
from cluster.safety.events import EventType, SafetyEvent
from cluster.safety.left_open import from_event
from cluster.settings.cameras import CameraSettings
from cluster.storage.events import EventFilter, Page, StoredEvent
from deployments.cameras.outages import OUTAGE_SUBJECT
from deployments.deadlines import bounded

_log = structlog.get_logger()
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
_MOST_ENTRANCES = 200
_WITHIN_S = 3.0
"""A camera that starts waits no longer: it watches first, and what nobody took up is told anew and ended later. (A
second was too short for 8 cameras that moved at once on two cores: two of them told their episodes twice.)"""
_ENTRANCE, _EXIT = EventType.PERSON_ENTRANCE.value, EventType.PERSON_EXIT.value


class Events(Protocol):
    """The rows (`cluster.storage.events.EventStore`)."""

    async def open_events(self, camera_id: str) -> Sequence[StoredEvent]: ...

    async def all_open(self) -> Sequence[StoredEvent]: ...

    async def list(self, filter: EventFilter, cursor: str | None = None, limit: int = 100) -> Page: ...


class LeftOpen:
    """Reads only. `outages` are the supervisor's own events, everything else is the cameras'."""

    def __init__(self, events: Events, *, within_s: float = _WITHIN_S) -> None:
        self._events, self._within_s = events, within_s

    async def of(self, camera: CameraSettings) -> tuple[dict[str, Any], ...] | None:
        """For `Assignment.open_episodes`; None, and a line in the log, if the database does not answer in time.

        So it is with rows that this release cannot read: no old event keeps a camera from watching.
        """
        try:
            saved = await bounded(self._of(camera), self._within_s)
        except (StorageError, TimeoutError, *_UNREADABLE) as error:
            _log.error("open_episodes_unknown", camera_id=camera.camera_id, reason=str(error) or "no answer in time")
            return None
        return tuple(one.to_dict() for one in saved)

    async def outages(self) -> dict[str, list[SavedEpisode]]:
        """What a supervisor before this one told of silent cameras, and did not end; rows that cannot be read are
        logged and passed over: no old event keeps a supervisor from its work.

        Raises:
            DatabaseUnavailable: not now.
        """
        found = await self._events.all_open()
        return _by_camera(row.event for row in found if row.event.subject == OUTAGE_SUBJECT)

    async def of_cameras(self) -> dict[str, list[SavedEpisode]]:
        """All that is open of all cameras, but for the outages, which are the supervisor's own.

        Raises:
            DatabaseUnavailable: not now.
        """
        found = await self._events.all_open()
        return _by_camera(row.event for row in found if row.event.subject != OUTAGE_SUBJECT)

    async def _of(self, camera: CameraSettings) -> list[SavedEpisode]:
        rows = await self._events.open_events(camera.camera_id)
        saved = [from_event(row.event) for row in rows if row.event.subject != OUTAGE_SUBJECT]
        if any(zone.entrances for zone in camera.zones):
            saved += await self._entered(camera)
        return saved

    async def _entered(self, camera: CameraSettings) -> list[SavedEpisode]:
        """Entrances whose exit is still to be told: both are moments, and none of them is open."""
        entrances = await self._newest(camera.camera_id, _ENTRANCE, _MOST_ENTRANCES)
        if not entrances:
            return []
        exits = await self._newest(camera.camera_id, _EXIT, 2 * _MOST_ENTRANCES, entrances[-1].event.opened_at)
        over = {row.event.detail.get("entrance_id") for row in exits}
        return [from_event(row.event) for row in entrances if row.event.event_id not in over]

    async def _newest(
        self, camera_id: str, event_type: str, most: int, since: datetime | None = None
    ) -> Sequence[StoredEvent]:
        which = EventFilter(camera_id=camera_id, event_type=event_type, opened_after=since)
        return (await self._events.list(which, None, most)).items


def _by_camera(events: Iterable[SafetyEvent]) -> dict[str, list[SavedEpisode]]:
    found: dict[str, list[SavedEpisode]] = {}
    for event in events:
        try:
            found.setdefault(event.camera_id, []).append(from_event(event))
        except _UNREADABLE as error:
            _log.error("open_event_unreadable", camera_id=event.camera_id, event_id=event.event_id, reason=str(error))
    return {camera_id: saved for camera_id, saved in found.items() if saved}
