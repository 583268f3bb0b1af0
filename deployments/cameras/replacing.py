"""Replaces processes that hang or do not come to work. Knows no Ray."""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from cluster.telemetry import metrics
from deployments.cameras.camera_actors import ActorSilentError
from deployments.cameras.restart_guard import RestartGuard
from deployments.cameras.roster import Roster
from deployments.cameras.watched import Watched

_log = structlog.get_logger()
_LATE_S = 40.0
"""Between the beginnings of two rounds. One camera that is slow wherever a round can wait for it (it begins: 14 s; it
is handed over: 20 s; the pause: 2 s) makes no late round, or a slow disk would keep hung processes from being replaced.
Where all waits of a round end by their deadlines it takes up to 110 s and is late: that is not one camera's fault."""


class Replacing:
    """`fault` says in one line why processes that hang are not replaced at present; "": they are."""

    def __init__(self, roster: Roster, clock: Callable[[], float]) -> None:
        self._roster, self._clock = roster, clock
        self._guard = RestartGuard()
        self._round_s: float | None = None
        self._late = False
        self.fault = ""

    def note_round(self) -> None:
        """A round begins."""
        now_s = self._clock()
        self._late = self._round_s is not None and now_s - self._round_s > _LATE_S
        self._round_s = now_s

    async def replace(self, watched: Mapping[str, Watched], *, stalled: bool) -> None:
        """As many as may be in this round, those that were silent the longest first."""
        silent = sum(one.missed > 0 for one in watched.values())
        allowed = self._guard.allowed(silent=silent, cameras=len(watched), late=self._late, stalled=stalled)
        now_s = self._clock()
        broken = [camera_id for camera_id, one in watched.items() if one.must_be_replaced(now_s)]
        self._say(len(broken) if allowed < len(broken) else 0)
        broken.sort(key=lambda camera_id: watched[camera_id].answered_s or 0.0)
        await asyncio.gather(*(self._replace(camera_id, watched[camera_id]) for camera_id in broken[:allowed]))

    async def _replace(self, camera_id: str, watched: Watched) -> None:
        handle = self._roster.actors(camera_id).get(self._roster.owner(camera_id))
        if handle is None:
            return
        _log.error("camera_process_replaced", camera_id=camera_id, reason=watched.reason)
        try:
            await handle.restart()
        except ActorSilentError as error:
            _log.error("camera_process_not_replaced", camera_id=camera_id, reason=str(error))
        watched.note_replacement(self._clock())
        metrics.camera_moves.inc(tags={"camera_id": camera_id, "reason": "hung"})

    def _say(self, waiting: int) -> None:
        before = self.fault
        why = self._guard.reason or "one after the other"
        self.fault = f"{waiting} camera processes that do not answer are not replaced yet: {why}" if waiting else ""
        if self.fault and not before:
            _log.error("replacing_waits", processes=waiting, reason=why)
