"""What the database shows open, for whoever goes on with it. Knows no Ray."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import structlog

from cluster.safety.episodes import SavedEpisode
from cluster.safety.errors import StorageError
from cluster.safety.events import EpisodeState, EventType
from cluster.safety.left_open import from_event
from cluster.settings.cameras import CameraSettings
from cluster.storage.events import EventFilter, Page, StoredEvent
from deployments.cameras.outages import OUTAGE_SUBJECT

_log = structlog.get_logger()
_PAGE = 500
_MOST_ENTRANCES = 200
_WITHIN_S = 1.0
"""A camera that starts waits no longer: it watches first, and what nobody took up is ended later."""
_ENTRANCE, _EXIT = EventType.PERSON_ENTRANCE.value, EventType.PERSON_EXIT.value


class Events(Protocol):
    """The rows (`cluster.storage.events.EventStore`)."""

    async def open_events(self, camera_id: str) -> Sequence[StoredEvent]: ...

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
            saved = await asyncio.wait_for(self._of(camera), self._within_s)
        except (StorageError, TimeoutError, ValueError, KeyError, TypeError) as error:
            _log.warning("open_episodes_unknown", camera_id=camera.camera_id, reason=str(error) or "no answer in time")
            return None
        return tuple(one.to_dict() for one in saved)

    async def outages(self) -> dict[str, list[SavedEpisode]]:
        """What a supervisor before this one told of silent cameras, and did not end.

        Raises:
            DatabaseUnavailable: not now.
        """
        which = EventFilter(event_type=EventType.CAMERA_UNMONITORED.value, state=EpisodeState.OPEN)
        found: dict[str, list[SavedEpisode]] = {}
        cursor: str | None = None
        while True:
            page = await self._events.list(which, cursor, _PAGE)
            for event in (stored.event for stored in page.items if stored.event.subject == OUTAGE_SUBJECT):
                found.setdefault(event.camera_id, []).append(from_event(event))
            if (cursor := page.next_cursor) is None:
                return found

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
