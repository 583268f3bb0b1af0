"""The nodes as the fleet last saw them, and what is wrong with them. Knows no Ray."""

from collections.abc import Mapping, Sequence

import structlog

from cluster.settings.cameras import CameraSettings, SourceKind
from deployments.cameras.camera_actors import ActorSilentError, ClusterNode, ClusterNodes
from deployments.cameras.placement import Cluster, Seat

_log = structlog.get_logger()


class NodeWatch:
    """`nodes` is empty while the control store does not answer: then nothing is moved."""

    def __init__(self, port: ClusterNodes, cpus: float, only_node: str) -> None:
        self._port, self._cpus, self._only = port, cpus, only_node
        self.nodes: Sequence[ClusterNode] = ()
        self.cluster = Cluster((), cpus, only=only_node)

    async def look(self) -> None:
        try:
            nodes = await self._port.alive()
        except ActorSilentError as error:
            _log.warning("nodes_not_listed", reason=str(error))
            self.nodes = ()
            return
        self._say_changes(nodes)
        self.nodes, self.cluster = nodes, Cluster(nodes, self._cpus, only=self._only)

    def is_lost(self, node_id: str) -> bool:
        """Whether the node is known not to live any more."""
        return bool(self.nodes) and bool(node_id) and all(node.node_id != node_id for node in self.nodes)

    def faults(self, cameras: Mapping[str, CameraSettings], seats: Sequence[Seat]) -> list[str]:
        """One line each."""
        faults = [f"camera {name} hangs on a node that is being drained" for name in self.cluster.stranded(seats)]
        if len(self.nodes) < 2:
            return faults
        if self._only:
            faults.append(
                f"{len(self.nodes)} nodes, but the site's database or snapshots lie on the disk of one: cameras stay "
                "there; set database.url to PostgreSQL and snapshots.url to s3://..."
            )
        usb = [name for name, camera in cameras.items() if camera.kind is SourceKind.USB and not camera.node]
        return faults + [f"camera {name}: a USB camera among several nodes needs `node`" for name in usb]

    def _say_changes(self, nodes: Sequence[ClusterNode]) -> None:
        before, now = ({(node.label, node.draining) for node in some} for some in (self.nodes, nodes))
        if before != now:
            _log.info("cluster_nodes", nodes=sorted(f"{name} (draining)" if drains else name for name, drains in now))
