"""The Ray shell of one camera's process: numbers, names and threads; `CameraKeeper` does the work."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import ray
import structlog

from cluster.camera.actor_names import actor_name
from cluster.camera.camera import Camera, CameraPorts
from cluster.camera.keeper import Assigned, CameraKeeper, SupervisorAwayError
from cluster.camera.orders import Orders
from cluster.camera.serve_ports import SUPERVISOR_AWAY, ServeDetector, ServeRecorder, fetch_assignment
from cluster.safety.dry_run import DryRun
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.status import CameraReport
from cluster.safety.zones import Zone
from cluster.settings.cameras import Assignment, logging_of
from cluster.settings.site import SiteSettings
from cluster.telemetry.logs import apply_log_settings, configure_logs, flush_logs

_log = structlog.get_logger()
_PICTURE_WAITERS = 16
_LONGEST_PICTURE_WAIT_S = 10.0


class CameraActor:
    """One camera. The constructor gets the id only and returns at once: a restart by Ray runs it again, and what
    the camera has to do is asked of the supervisor each time, so that no old spec is ever run. Who does not own the
    camera is told so and stands by: a successor until its predecessor has stopped, for example.

    An order names the supervisor's epoch in `by`; those of a superseded one raise SupervisorSuperseded.
    """

    def __init__(self, camera_id: str) -> None:
        configure_logs("camera", camera_id=camera_id)
        # One frame in flight needs one thread; more of them only fight with the detector for the cores.
        cv2.setNumThreads(1)
        self._camera_id = camera_id
        context = ray.get_runtime_context()
        self._node_id, self._name = context.get_node_id(), context.get_actor_name() or actor_name(camera_id)
        self._orders = Orders()
        self._ports: CameraPorts | None = None
        self._pictures = ThreadPoolExecutor(_PICTURE_WAITERS, thread_name_prefix="picture")
        self._dry_runs = ThreadPoolExecutor(1, thread_name_prefix="dry-run")
        self._keeper = CameraKeeper(camera_id, self._ask, self._make)
        self._keeper.start()

    def __repr__(self) -> str:
        """What the dashboard and the prefix of Ray's log lines show."""
        return self._name

    async def report(self, by: int = 0) -> CameraReport:
        """The heartbeat; 0: somebody who only looks."""
        if by:
            self._orders.take(by)
        return replace(self._keeper.report(), pid=os.getpid(), node_id=self._node_id, actor=self._name)

    async def picture(
        self, profile: str, after_epoch: int, after_sequence: int, timeout_s: float
    ) -> LivePicture | None:
        """See `Camera.picture`; waits in a bounded pool, off the event loop."""
        wait_s = min(timeout_s, _LONGEST_PICTURE_WAIT_S)
        return await asyncio.get_running_loop().run_in_executor(
            self._pictures, self._keeper.picture, PictureProfile(profile), (after_epoch, after_sequence), wait_s
        )

    async def dry_run(self, zone: Zone) -> DryRun:
        """See `Camera.dry_run`; one after the other, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._dry_runs, self._keeper.dry_run, zone)

    async def begin(self, assignment: Assignment, site: SiteSettings, by: int) -> None:
        """It owns the camera now: see `CameraKeeper.begin`."""
        self._orders.take(by)
        await asyncio.to_thread(self._keeper.begin, assignment, site)

    async def apply(self, assignment: Assignment, by: int) -> None:
        """Takes over a changed spec: see `CameraKeeper.apply`."""
        self._orders.take(by)
        apply_log_settings(logging_of(assignment))
        await asyncio.to_thread(self._keeper.apply, assignment)

    async def retire(self, timeout_s: float, by: int) -> bool:
        """The camera is not wanted any more: see `CameraKeeper.retire`."""
        self._orders.take(by)
        return await asyncio.to_thread(self._keeper.retire, timeout_s)

    async def stop(self, timeout_s: float, by: int) -> bool:
        """Closes the camera for its next owner: see `CameraKeeper.stop`."""
        self._orders.take(by)
        return await asyncio.to_thread(self._keeper.stop, timeout_s)

    def _ask(self) -> Assigned | None:
        try:
            # Made before they are needed: a successor's own start is the gap that viewers see.
            self._connect()
            return fetch_assignment(self._camera_id, self._name)
        except SUPERVISOR_AWAY as error:
            raise SupervisorAwayError(type(error).__name__) from error

    def _make(self, assignment: Assignment, site: SiteSettings) -> Camera:
        apply_log_settings(logging_of(assignment))
        return Camera(assignment, site, self._connect())

    def _connect(self) -> CameraPorts:
        """The ways out, one set a process."""
        if self._ports is None:
            self._ports = CameraPorts(ServeDetector(), ServeRecorder(), self._on_stuck, self._on_lease_lost)
        return self._ports

    def _on_stuck(self) -> None:
        """Two readers hang in OpenCV: only a new process gets rid of them. Ray starts it."""
        _log.error("camera_process_restarts", reason="two readers had to be abandoned")
        flush_logs()
        os._exit(1)

    def _on_lease_lost(self) -> None:
        """Somebody else owns the camera: a new process asks the supervisor, and stands by if that is so."""
        _log.error("camera_process_restarts", reason="the lease went to another owner")
        flush_logs()
        os._exit(1)
