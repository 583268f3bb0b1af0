"""Which node each camera's actor should be on. Pure: knows neither Ray nor the clock."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cluster.settings.cameras import CameraSettings, SourceKind
from deployments.cameras.camera_actors import ClusterNode, Place

_TOLERANCE = 1e-6
"""CPUs are counted in ten-thousandths."""

_HOST, _BALANCE = "host", "balance"
DRAIN = "drain"
"""The reason of a move off a node that goes away."""

May = Callable[[str, str], bool]
"""Whether the camera (id) may be moved now, for a reason."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A camera on its node. `fine`: its picture comes, so that a move would interrupt it."""

    settings: CameraSettings
    node_id: str
    fine: bool

    @property
    def is_bound(self) -> bool:
        """Whether it hangs on its host."""
        return self.settings.kind is SourceKind.USB or bool(self.settings.node)


@dataclass(frozen=True, slots=True)
class Move:
    """`reason`: `DRAIN`, host or balance."""

    camera_id: str
    place: Place
    reason: str


class Cluster:
    """The nodes at one moment, and what a camera's actor needs of them.

    `only`: the one node that may hold cameras, where the site's storage lies on one disk; "": any may.
    """

    def __init__(self, nodes: Sequence[ClusterNode], cpus: float, *, only: str = "") -> None:
        self._nodes, self._cpus, self._only = nodes, cpus, only

    def place_for(self, camera: CameraSettings, seats: Iterable[Seat], planned: Counter[str]) -> Place:
        """Where a new actor should start; nowhere in particular if there is no room, where it waits.

        `planned`: actors by node that were placed since the nodes were looked at.
        """
        if camera.node:
            return Place(host=camera.node)
        counts = Counter(seat.node_id for seat in seats) + planned
        able = [node for node in self._open() if self._room(node, planned[node.node_id] + 1)]
        best = min(able, key=lambda node: (counts[node.node_id], node.node_id), default=None)
        return Place(node_id=best.node_id if best else self._only)

    def why_no_room(self, camera: CameraSettings) -> str:
        """In one line; "": there is room, and the actor is only being started."""
        if camera.node:
            able = [node for node in self._nodes if node.host == camera.node]
            if not able:
                return f"its node {camera.node} is away"
        else:
            able = self._open()
        if any(self._room(node) for node in able):
            return ""
        most = max((node.free_cpus for node in able), default=0.0)
        where = f"node {camera.node}" if camera.node else f"any of {len(able)} nodes"
        return (
            f"the cluster has no room for it: needs {self._cpus:g} CPU, free are at most {max(0.0, most):.2g} "
            f"on {where}; add a node or lower actor_cpus"
        )

    def off_draining(self, seats: Sequence[Seat], may: May) -> Move | None:
        """Who has to leave a node that goes away, whatever it sees. Those that may not be moved keep nobody else."""
        draining = {node.node_id for node in self._nodes if node.draining}
        # Those that see nothing lose nothing: they go last, for whoever watches must not be late.
        leaving = [seat for seat in seats if seat.node_id in draining and _is_movable(seat, may, DRAIN)]
        leaving.sort(key=lambda seat: (not seat.fine, not seat.settings.has_danger_zone, seat.settings.camera_id))
        counts = Counter(seat.node_id for seat in seats)
        able = [node for node in self._open() if self._room(node)]
        if not leaving or not able:
            return None
        best = min(able, key=lambda node: (counts[node.node_id], node.node_id))
        return Move(leaving[0].settings.camera_id, Place(node_id=best.node_id), DRAIN)

    def to_better(self, seats: Sequence[Seat], may: May) -> Move | None:
        """A move that a quiet fleet can make, if any."""
        return self._to_hosts(seats, may) or self._balance(seats, may)

    def stranded(self, seats: Sequence[Seat]) -> list[str]:
        """Cameras that a draining node takes along, because they hang on it."""
        draining = {node.node_id for node in self._nodes if node.draining}
        return [seat.settings.camera_id for seat in seats if seat.node_id in draining and seat.is_bound]

    def _to_hosts(self, seats: Sequence[Seat], may: May) -> Move | None:
        """Cameras whose settings name another node than the one they are on. Where they are they may see nothing."""
        hosts = {node.node_id: node.host for node in self._nodes}
        able = {node.host for node in self._nodes if node.host and not node.draining and self._room(node)}
        for seat in seats:
            camera_id, wanted = seat.settings.camera_id, seat.settings.node
            if wanted in able and hosts.get(seat.node_id, wanted) != wanted and may(camera_id, _HOST):
                return Move(camera_id, Place(host=wanted), _HOST)
        return None

    def _balance(self, seats: Sequence[Seat], may: May) -> Move | None:
        """From the fullest node to the emptiest, until they differ by one."""
        open_nodes = self._open()
        counts = Counter(seat.node_id for seat in seats)
        able = [node for node in open_nodes if self._room(node)]
        if not able:
            return None
        emptiest = min(able, key=lambda node: (counts[node.node_id], node.node_id))
        for node in sorted(open_nodes, key=lambda node: (-counts[node.node_id], node.node_id)):
            if counts[node.node_id] - counts[emptiest.node_id] < 2:
                return None
            movable = [s for s in seats if s.node_id == node.node_id and s.fine and _is_movable(s, may, _BALANCE)]
            if movable:
                # A danger zone is interrupted last.
                first = min(movable, key=lambda seat: (seat.settings.has_danger_zone, seat.settings.camera_id))
                return Move(first.settings.camera_id, Place(node_id=emptiest.node_id), _BALANCE)
        return None

    def _open(self) -> list[ClusterNode]:
        """Nodes that may get a camera."""
        return [
            node
            for node in self._nodes
            if not node.draining and node.cpus >= self._cpus - _TOLERANCE and self._only in ("", node.node_id)
        ]

    def _room(self, node: ClusterNode, actors: int = 1) -> bool:
        return node.free_cpus >= actors * self._cpus - _TOLERANCE


def _is_movable(seat: Seat, may: May, reason: str) -> bool:
    return not seat.is_bound and may(seat.settings.camera_id, reason)
