"""When which camera is handed over: off nodes that go, to a new release, onto new nodes. Knows no Ray."""

from collections.abc import Callable, Mapping, Sequence

from cluster.settings.cameras import CameraSettings, SourceKind
from deployments.cameras.camera_actors import ClusterNode, Place
from deployments.cameras.handovers import RELEASE, Handover, Handovers
from deployments.cameras.placement import Cluster, May, Move, Seat
from deployments.cameras.roster import Roster
from deployments.cameras.watched import Watched

_QUIET_ROUNDS = 3
_SETTLES_WITHIN_S = 60.0
_BREAKS_FOR_S = 300.0
"""A camera that saw before its handover and does not afterwards holds up for so long who need not move."""


class Moving:
    """Decides one handover after the other; the next only when the last camera is watched again, but off a node that
    goes away as soon as the last one is over."""

    def __init__(self, roster: Roster, handovers: Handovers, release: str, clock: Callable[[], float]) -> None:
        self._roster, self._handovers, self._release, self._clock = roster, handovers, release, clock
        self._looked_like: object = None
        self._quiet_rounds = 0
        self._settling: tuple[str, float, bool] | None = None
        self._last_done: Handover | None = None

    async def decide(
        self,
        cluster: Cluster,
        nodes: Sequence[ClusterNode],
        cameras: Mapping[str, CameraSettings],
        watched: Mapping[str, Watched],
        *,
        stalled: bool = False,
    ) -> None:
        """Starts a handover, if one is due and nothing else is under way. `stalled`: see `Handovers.step`."""
        seats = self.seats(cameras, watched)
        self._note(nodes, seats)
        if self._handovers.active is not None or not nodes:
            return
        may_improve = self._is_settled(watched) and not stalled
        move = self._next(cluster, seats, watched, may_improve=may_improve)
        if move is None:
            return
        camera, known = cameras[move.camera_id], watched[move.camera_id]
        self._settling = (move.camera_id, self._clock(), known.is_seeing(self._clock()))
        stays = _node_of(known) if camera.kind is SourceKind.USB and not camera.node else ""
        await self._handovers.start(move.camera_id, move.place, move.reason, stays)

    def _next(
        self, cluster: Cluster, seats: Sequence[Seat], watched: Mapping[str, Watched], *, may_improve: bool
    ) -> Move | None:
        """Whoever must leave, which waits for nobody: the node will not. Then the code; then what is only better."""
        may = self._may(watched)
        if (move := cluster.off_draining(seats, may)) is not None or not may_improve:
            return move
        quiet = self._quiet_rounds >= _QUIET_ROUNDS
        return self._to_release(seats, watched) or (cluster.to_better(seats, may) if quiet else None)

    def _may(self, watched: Mapping[str, Watched]) -> May:
        def may(camera_id: str, reason: str) -> bool:
            # Where a camera is that was handed over just now, its new process has to say first.
            report = watched[camera_id].report
            known = report is not None and report.actor in ("", self._roster.owner(camera_id))
            return known and self._handovers.may_start(camera_id, reason)

        return may

    def _to_release(self, seats: Sequence[Seat], watched: Mapping[str, Watched]) -> Move | None:
        for seat in sorted(seats, key=lambda seat: (seat.settings.has_danger_zone, seat.settings.camera_id)):
            camera_id = seat.settings.camera_id
            report, missed = watched[camera_id].report, watched[camera_id].missed
            if not self._release or report is None or report.epoch == 0 or report.release == self._release:
                continue
            if not missed and self._handovers.may_start(camera_id, RELEASE):
                place = Place(host=seat.settings.node) if seat.settings.node else Place(node_id=seat.node_id)
                return Move(camera_id, place, RELEASE)
        return None

    def seats(self, cameras: Mapping[str, CameraSettings], watched: Mapping[str, Watched]) -> list[Seat]:
        """Where the cameras are, as far as they have said."""
        now_s = self._clock()
        known = [(camera, watched[name]) for name, camera in cameras.items() if name in watched]
        return [Seat(camera, node, one.is_seeing(now_s)) for camera, one in known if (node := _node_of(one))]

    def _note(self, nodes: Sequence[ClusterNode], seats: Sequence[Seat]) -> None:
        """Counts the rounds in which no node came or went and no camera appeared, moved, or went blind."""
        looks_like = (
            frozenset((node.node_id, node.draining) for node in nodes),
            frozenset((seat.settings.camera_id, seat.node_id, seat.fine) for seat in seats),
        )
        self._quiet_rounds = self._quiet_rounds + 1 if looks_like == self._looked_like else 0
        self._looked_like = looks_like

    def _is_settled(self, watched: Mapping[str, Watched]) -> bool:
        """Whether the last camera is watched again, or nobody can wait for it any longer."""
        if self._settling is None:
            return True
        camera_id, since_s, saw_before = self._settling
        if self._handovers.done is not self._last_done:
            # What the old process said last proves nothing.
            self._last_done, since_s = self._handovers.done, self._clock()
            self._settling = (camera_id, since_s, saw_before)
        known, now_s = watched.get(camera_id), self._clock()
        limit_s = _BREAKS_FOR_S if saw_before else _SETTLES_WITHIN_S
        sees = known is not None and (known.answered_s or 0.0) > since_s and known.is_seeing(now_s)
        if known is None or sees or now_s - since_s > limit_s:
            self._settling = None
        return self._settling is None


def _node_of(watched: Watched) -> str:
    return watched.report.node_id if watched.report is not None else ""
