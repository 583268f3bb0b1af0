"""Ends what is shown open and nobody goes on with. Knows no Ray."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from cluster.camera.places import CameraPlace
from cluster.safety.episodes import SavedEpisode
from cluster.safety.left_open import ends
from cluster.safety.status import MOVED, SWITCHED_OFF
from deployments.cameras.outages import Tell

_log = structlog.get_logger()
_LOOK_EVERY_S = 10.0
_PATIENCE_S = 60.0
"""What such a camera has on a disk in the cluster is sent and ended there (`OutboxDrain`), which knows better."""
_MOST_PUT_OFF = 60
"""Looks, each at rows that the database gave: ten minutes in which a backlog could have left. What has not by then is
a record that the Recorder cannot take (it is deferred for ever), or one more of a camera that always has some."""
_SAID_AGAIN_S = 600.0
"""What is open still, although it was ended: the words were lost on their way, or refused. They are the same again."""

Orphan = tuple[SavedEpisode, str]
"""An episode that is shown open, and why nobody will end it."""
_Key = tuple[str, str, str]
"""Camera id, event id and the reason."""


class OpenRows(Protocol):
    """The rows (`LeftOpen`). Raises DatabaseUnavailable."""

    async def of_cameras(self) -> Mapping[str, Sequence[SavedEpisode]]: ...


class Abandoned:
    """Belongs to the task that reads the database. Two kinds of episodes have nobody who could end them: those of a
    camera whose node died with its disk, and that is removed then; and those that a new owner could not learn of,
    because the database did not answer in the moment in which it began to watch."""

    def __init__(self, rows: OpenRows, tell: Tell, clock: Callable[[], float]) -> None:
        self._rows, self._tell, self._clock = rows, tell, clock
        self._look_s = clock()
        self._since_s: dict[_Key, float] = {}
        self._put_off: Counter[_Key] = Counter()
        self._ended_s: dict[str, float] = {}

    async def look(
        self,
        spoken_for: Collection[str] | None,
        owners: Mapping[str, CameraPlace] | None = None,
        backlogged: Collection[str] = (),
    ) -> None:
        """`spoken_for`: the cameras that are wanted, have an actor, or have something on a disk that still waits.
        None: that is not known now, and proves nothing of the time since the last look.
        `owners`: of those, who watches now and says what it goes on with; nothing of theirs waits on another's disk.
        `backlogged`: the cameras on whose own disk something waits. The true last word may be in it and would come too
        late, so the end is put off, for `_MOST_PUT_OFF` looks at most; the patience goes on.

        Raises:
            DatabaseUnavailable: not now.
        """
        now_s = self._clock()
        if spoken_for is None:
            self._since_s.clear()
            return
        owners = owners or {}
        self._since_s = {key: since_s for key, since_s in self._since_s.items() if _stands(key, spoken_for, owners)}
        if now_s < self._look_s:
            return
        self._look_s = now_s + _LOOK_EVERY_S
        orphans = await self._orphans(spoken_for, owners)
        keys = {_key(name, one) for name, found in orphans.items() for one in found}
        self._put_off = Counter({key: looks for key, looks in self._put_off.items() if key in self._since_s})
        self._since_s = {key: self._since_s.get(key, now_s) for key in keys}
        # An id that is shown open no more need not be remembered.
        still = {event_id for _, event_id, _ in keys}
        self._ended_s = {one: s for one, s in self._ended_s.items() if one in still and now_s - s < _SAID_AGAIN_S}
        for name, found in orphans.items():
            due = [one for one in found if now_s - self._since_s[_key(name, one)] >= _PATIENCE_S]
            due = [one for one in due if one[0].event_id not in self._ended_s]
            await self._end(name, [one for one in due if name not in backlogged or self._waited_long(name, one)])

    def _waited_long(self, camera_id: str, orphan: Orphan) -> bool:
        """Whether the last word of a backlog is waited for no more; who asks waits a look longer."""
        key = _key(camera_id, orphan)
        self._put_off[key] += 1
        return self._put_off[key] > _MOST_PUT_OFF

    async def _orphans(self, spoken_for: Collection[str], owners: Mapping[str, CameraPlace]) -> dict[str, list[Orphan]]:
        rows = await self._rows.of_cameras()
        found = {name: list(_of_nobody(name, saved, spoken_for, owners)) for name, saved in rows.items()}
        return {name: orphans for name, orphans in found.items() if orphans}

    async def _end(self, camera_id: str, orphans: Sequence[Orphan]) -> None:
        for reason in {reason for _, reason in orphans}:
            saved = [one for one, why in orphans if why == reason]
            told = ends(camera_id, saved, reason, datetime.now(UTC))
            await self._tell(camera_id, max(one.epoch for one in saved), told)
            event_ids = [one.event_id for one in saved]
            self._ended_s.update(dict.fromkeys(event_ids, self._clock()))
            _log.warning("abandoned_events_ended", camera_id=camera_id, reason=reason, event_ids=event_ids)


def _key(camera_id: str, orphan: Orphan) -> _Key:
    return camera_id, orphan[0].event_id, orphan[1]


def _stands(key: _Key, spoken_for: Collection[str], owners: Mapping[str, CameraPlace]) -> bool:
    """Whether the reason still holds, as far as it can be told without the rows."""
    camera_id, _, reason = key
    return camera_id in owners if reason == MOVED else camera_id not in spoken_for


def _of_nobody(
    camera_id: str, saved: Sequence[SavedEpisode], spoken_for: Collection[str], owners: Mapping[str, CameraPlace]
) -> Iterator[Orphan]:
    if camera_id not in spoken_for:
        yield from ((one, SWITCHED_OFF) for one in saved)
    elif (owner := owners.get(camera_id)) is not None:
        # What the owner itself has told carries its epoch, and may be newer than what it said of itself.
        lost = [one for one in saved if one.epoch < owner.epoch and one.event_id not in owner.open_events]
        yield from ((one, MOVED) for one in lost)
