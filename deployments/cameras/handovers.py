"""Hands a camera from one process to the next, with a gap of a second or so. Knows no Ray."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from cluster.camera.actor_names import successor_name
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings
from cluster.telemetry import metrics
from deployments.cameras.camera_actors import ActorSilentError, ActorState, CameraHandle, Place
from deployments.cameras.placement import DRAIN
from deployments.cameras.roster import Roster, heartbeat

_log = structlog.get_logger()
_STANDS_BY_WITHIN_S = 60.0
_WAITS_FOR_ROOM_S = 10.0
_STOP_S, _STOP_ANSWER_S = 1.5, 2.5
"""Closing the capture and half a second for the outbox; what it does not send, others do."""
_BEGIN_S = 8.0
_AGAIN_AFTER_S = 300.0

RELEASE = "release"

Assign = Callable[[str], Awaitable[tuple[Assignment, SiteSettings]]]


@dataclass(frozen=True, slots=True)
class Handover:
    """`stays`: the successor must be on this node, or the camera would lose its device; "": it may be anywhere."""

    camera_id: str
    old: str
    new: str
    reason: str
    since_s: float
    stays: str = ""


class Handovers:
    """One at a time, in steps of a round each, so that a supervisor that dies at any of them leaves two actors from
    which the next one can choose: before the switch the old one works, after it the new one, and between the two
    neither does and both can.

    The successor is created under another name and stands by: its process is up, everything is imported, nothing is
    opened. Then the old one closes the camera and its outbox, the new one begins under a new lease, the old one ends.
    """

    def __init__(self, roster: Roster, assign: Assign, clock: Callable[[], float]) -> None:
        self._roster, self._assign, self._clock = roster, assign, clock
        self._not_before_s: dict[str, float] = {}
        self.active: Handover | None = None
        self.done: Handover | None = None
        self._faults: dict[str, str] = {}

    def faults(self) -> list[str]:
        """Why which cameras were not handed over, one line each, until it may be tried again."""
        now_s = self._clock()
        return [fault for camera_id, fault in self._faults.items() if self._not_before_s[camera_id] > now_s]

    def may_start(self, camera_id: str, reason: str) -> bool:
        """A camera that could not be handed over is left alone for a while; of a release that does not start, all."""
        now_s = self._clock()
        pauses = (self._not_before_s.get(camera_id, now_s), self._not_before_s.get(f"reason {reason}", now_s))
        return self.active is None and max(pauses) <= now_s

    async def start(self, camera_id: str, place: Place, reason: str, stays: str = "") -> None:
        """Makes the successor.

        Raises:
            ActorSilentError: it could not be made.
        """
        old = self._roster.owner(camera_id)
        new = successor_name(old)
        await self._roster.create(camera_id, new, place)
        self.active = Handover(camera_id, old, new, reason, self._clock(), stays)
        _log.info("camera_handover_began", camera_id=camera_id, reason=reason, old=old, new=new)

    async def step(self, *, stalled: bool = False) -> None:
        """Goes as far as it can without waiting for the successor. `stalled`: the database does not answer. The new
        owner would wait for its lease and for what is open while nobody watches, so only who must go, goes."""
        if (handover := self.active) is None:
            return
        actors = self._roster.actors(handover.camera_id)
        if handover.new not in actors or self._roster.owner(handover.camera_id) != handover.old:
            await self._give_up(handover, "one of the two actors is gone")
            return
        if stalled and handover.reason != DRAIN:
            await self._put_off(handover)
            return
        report = await heartbeat(actors[handover.new])
        if report is None or not report.standby:
            await self._wait(handover, actors[handover.new])
        elif handover.stays and report.node_id != handover.stays:
            await self._give_up(handover, "the successor came up on another node than the camera's device is on")
        else:
            await self._switch(handover, actors[handover.old], actors[handover.new])

    def abandon(self, camera_id: str) -> None:
        """The camera is not wanted any more."""
        if self.active is not None and self.active.camera_id == camera_id:
            self.active = None

    async def _wait(self, handover: Handover, successor: CameraHandle) -> None:
        waited_s = self._clock() - handover.since_s
        if waited_s > _STANDS_BY_WITHIN_S:
            await self._give_up(handover, f"the successor did not stand by within {_STANDS_BY_WITHIN_S:g} s")
        elif waited_s > _WAITS_FOR_ROOM_S and handover.reason == RELEASE and await _is_pending(successor):
            await self._restart_in_place(handover)

    async def _switch(self, handover: Handover, old: CameraHandle, new: CameraHandle) -> None:
        camera_id = handover.camera_id
        # From here on the old one gets no assignment any more, should it be started anew.
        self._roster.give(camera_id, handover.new)
        began_s = self._clock()
        # Nothing is asked of the database before: what the old one still tells would be missing in the answer, and
        # its lease must be the newest until it has told it.
        stopped = await _stop(old)
        try:
            assignment, site = await self._assign(camera_id)
            await new.begin(assignment, site, _BEGIN_S)
        except ActorSilentError as error:
            await self._go_back(handover, f"the successor could not begin: {error}", stopped=stopped)
            return
        self._finish(handover)
        _log.info(
            "camera_handed_over",
            camera_id=camera_id,
            reason=handover.reason,
            owner=handover.new,
            epoch=assignment.epoch,
            stopped=stopped,
            took_s=round(self._clock() - began_s, 3),
        )
        await self._roster.end(camera_id, handover.old)

    def _finish(self, handover: Handover) -> None:
        self.active, self.done = None, handover
        self._faults.pop(handover.camera_id, None)
        metrics.camera_moves.inc(tags={"camera_id": handover.camera_id, "reason": handover.reason})

    async def _go_back(self, handover: Handover, reason: str, *, stopped: bool) -> None:
        """The old process stands by, and runs code that works. One that did not stop was killed: the rounds go on
        asking the new one."""
        if not stopped:
            self.active = None
            self._pause(handover, reason)
            return
        self._roster.give(handover.camera_id, handover.old)
        await self._give_up(handover, reason)
        assignment, site = await self._assign(handover.camera_id)
        try:
            await self._roster.actors(handover.camera_id)[handover.old].begin(assignment, site, _BEGIN_S)
        except (ActorSilentError, KeyError) as error:
            # It owns the camera: the rounds tell it again.
            _log.error("camera_handover_not_undone", camera_id=handover.camera_id, reason=str(error))

    async def _give_up(self, handover: Handover, reason: str) -> None:
        """The old one goes on."""
        self.active = None
        self._pause(handover, reason)
        if handover.new != self._roster.owner(handover.camera_id):
            await self._roster.end(handover.camera_id, handover.new)

    async def _put_off(self, handover: Handover) -> None:
        """The old one goes on; another attempt may begin as soon as it can be short."""
        self.active = None
        _log.warning("camera_handover_put_off", camera_id=handover.camera_id, reason="the database does not answer")
        await self._roster.end(handover.camera_id, handover.new)

    async def _restart_in_place(self, handover: Handover) -> None:
        """No node has room for a second process: its place has to be made free first, which costs some seconds."""
        self.active = None
        await self._roster.end(handover.camera_id, handover.new)
        _log.warning("camera_restarts_in_place", camera_id=handover.camera_id, reason="no room for a successor")
        try:
            await self._roster.actors(handover.camera_id)[handover.old].restart()
        except ActorSilentError as error:
            self._pause(handover, str(error))
            return
        self._finish(handover)

    def _pause(self, handover: Handover, reason: str) -> None:
        self._faults[handover.camera_id] = (
            f"camera {handover.camera_id} was not handed over ({handover.reason}): {reason}"
        )
        _log.error("camera_handover_failed", camera_id=handover.camera_id, reason=reason, cause=handover.reason)
        again_s = self._clock() + _AGAIN_AFTER_S
        self._not_before_s[handover.camera_id] = again_s
        if handover.reason == RELEASE:
            self._not_before_s[f"reason {RELEASE}"] = again_s


async def _is_pending(handle: CameraHandle) -> bool:
    try:
        return (await handle.process()).state is ActorState.PENDING
    except ActorSilentError:
        return False


async def _stop(handle: CameraHandle) -> bool:
    """Whether it closed the camera itself; one that hangs is killed, which also frees its outbox."""
    try:
        await handle.stop(_STOP_S, _STOP_ANSWER_S)
    except ActorSilentError:
        try:
            await handle.end(hung=True)
        except ActorSilentError as error:
            _log.error("camera_actor_end_failed", reason=str(error))
        return False
    return True
