"""Ends what is shown open of cameras that nobody wants and nobody can speak for any more. Knows no Ray."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from cluster.safety.episodes import SavedEpisode
from cluster.safety.left_open import ends
from deployments.cameras.outages import Tell

_log = structlog.get_logger()
_LOOK_EVERY_S = 10.0
_PATIENCE_S = 60.0
"""What such a camera has on a disk in the cluster is sent and ended there (`OutboxDrain`), which knows better."""
_REASON = "switched off"


class OpenRows(Protocol):
    """The rows (`LeftOpen`). Raises DatabaseUnavailable."""

    async def of_cameras(self) -> Mapping[str, Sequence[SavedEpisode]]: ...


class Abandoned:
    """Belongs to the task that reads the database. A camera whose node died with its disk, and that is removed then,
    has no process and no outbox that could end what it told."""

    def __init__(self, rows: OpenRows, tell: Tell, clock: Callable[[], float]) -> None:
        self._rows, self._tell, self._clock = rows, tell, clock
        self._look_s = clock()
        self._since_s: dict[str, float] = {}
        self._ended: set[str] = set()

    async def look(self, spoken_for: Collection[str] | None) -> None:
        """`spoken_for`: the cameras that are wanted, have an actor, or have something on a disk that still waits.
        None: that is not known now, and proves nothing of the time since the last look.

        Raises:
            DatabaseUnavailable: not now.
        """
        now_s = self._clock()
        if spoken_for is None:
            self._since_s.clear()
            return
        for camera_id in self._since_s.keys() & set(spoken_for):
            del self._since_s[camera_id]
        if now_s < self._look_s:
            return
        self._look_s = now_s + _LOOK_EVERY_S
        found = {name: saved for name, saved in (await self._rows.of_cameras()).items() if name not in spoken_for}
        self._since_s = {name: self._since_s.get(name, now_s) for name in found}
        # An id that is shown open no more need not be remembered.
        self._ended &= {one.event_id for saved in found.values() for one in saved}
        for name, saved in found.items():
            if now_s - self._since_s[name] >= _PATIENCE_S:
                await self._end(name, [one for one in saved if one.event_id not in self._ended])

    async def _end(self, camera_id: str, saved: Sequence[SavedEpisode]) -> None:
        if not saved:
            return
        told = ends(camera_id, saved, _REASON, datetime.now(UTC))
        await self._tell(camera_id, max(one.epoch for one in saved), told)
        event_ids = [one.event_id for one in saved]
        self._ended.update(event_ids)
        _log.warning("abandoned_events_ended", camera_id=camera_id, event_ids=event_ids)
