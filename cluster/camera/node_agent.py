"""The Ray shell of one node's agent: names, threads and processes; `OutboxDrain` does the work."""

import asyncio
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import ray
import structlog

from cluster.camera.outbox_drain import OutboxDrain
from cluster.camera.places import NodeReport, Places
from cluster.camera.serve_ports import ServeRecorder
from cluster.camera.worker_process import camera_worker
from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.base import data_folder
from cluster.settings.site import SiteSettings
from cluster.telemetry.disk_readings import DiskReadings
from cluster.telemetry.gpus import NvmlGpus
from cluster.telemetry.logs import configure_logs
from cluster.telemetry.node_names import node_name
from cluster.telemetry.node_readings import NodeReadings
from cluster.telemetry.processes import memory_by_role

_log = structlog.get_logger()
_CONNECTS_WITHIN_S = 2.0
"""Below the deadline of who calls: that one gives up, which ends nothing here, and calls again."""


def agent_name(node_id: str) -> str:
    """The name under which the supervisor finds the agent of a node, and an operator sees it in the dashboard."""
    return f"node-agent:{node_id}"


class NodeAgent:
    """One a node. It holds nothing that its death could lose: what it works on lies on the disk."""

    def __init__(self, release: str) -> None:
        self._node_id = ray.get_runtime_context().get_node_id()
        configure_logs("node-agent", node_id=self._node_id)
        self._release = release
        self._site: SiteSettings | None = None
        self._drain: OutboxDrain | None = None
        self._recorder: ServeRecorder | None = None
        self._disk: DiskReadings | None = None
        labels: Any = ray.get_runtime_context().get_node_labels()  # strings, whatever Ray's annotation says
        self._node = node_name(labels, str(ray.util.get_node_ip_address()))  # type: ignore[no-untyped-call]
        # The process that started this one is Ray's node process, and with it everything of ours on this node.
        self._readings = NodeReadings(self._node, NvmlGpus(), partial(memory_by_role, os.getppid()))
        threading.Thread(target=self._readings.run, name="readings", daemon=True).start()
        self._connecting, self._ending = asyncio.Lock(), asyncio.Lock()

    def __repr__(self) -> str:
        """What the dashboard and the prefix of Ray's log lines show."""
        return agent_name(self._node_id[:8])

    async def tend(self, site: SiteSettings, places: Places) -> NodeReport:
        """Where the cameras are now; answers at once what waits here."""
        recorder = await self._connected()
        drain = self._drain
        if drain is None or site != self._site:
            drain = self._drain = self._begin(site, recorder)
        drain.learn(places)
        return NodeReport(self._node_id, self._release, os.getpid(), drain.waiting())

    async def end_process(self, pid: int, camera_id: str) -> bool:
        """Kills a camera's process that hangs; False: `pid` is none of that camera on this node."""
        async with self._ending:
            return await asyncio.to_thread(self._kill, pid, camera_id)

    async def _connected(self) -> ServeRecorder:
        """The way to the Recorder. Ray's head is asked for it, without a deadline: not on the loop, and by one thread
        only, and nobody waits long for that thread, so that hung processes can be ended whatever the head does.

        Raises:
            DatabaseUnavailable: another call still asks the head.
        """
        await self._take_turn()
        try:
            if self._recorder is None:
                self._recorder = await asyncio.to_thread(ServeRecorder)
            return self._recorder
        finally:
            self._connecting.release()

    async def _take_turn(self) -> None:
        try:
            async with asyncio.timeout(_CONNECTS_WITHIN_S):
                await self._connecting.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("Ray's head does not say where the Recorder is") from error

    def _begin(self, site: SiteSettings, recorder: ServeRecorder) -> OutboxDrain:
        if self._drain is not None:
            self._drain.stop()
        self._site = site
        drain = OutboxDrain(self._root(site), self._node_id, site.outbox, recorder)
        threading.Thread(target=drain.run, name="drain", daemon=True).start()
        self._watch_disk(data_folder(site.data_dir))
        return drain

    def _watch_disk(self, folder: Path) -> None:
        if self._disk is not None:
            self._disk.stop()
        self._disk = DiskReadings(self._node, folder)
        threading.Thread(target=self._disk.run, name="disk", daemon=True).start()

    def _kill(self, pid: int, camera_id: str) -> bool:
        root = self._root(self._site) if self._site is not None else None
        try:
            process = camera_worker(pid, camera_id, root)
            process.kill()
        except (ValueError, psutil.Error) as error:
            _log.warning("process_not_ended", pid=pid, camera_id=camera_id, reason=str(error))
            return False
        _log.error("process_ended", pid=pid, camera_id=camera_id, reason="it does not answer")
        return True

    @staticmethod
    def _root(site: SiteSettings) -> Path:
        return data_folder(site.data_dir) / "outbox"
