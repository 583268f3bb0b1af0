"""The Ray shell of one camera: starts it, stops it, hands values over."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import ray
import structlog

from cluster.camera.camera import Camera, CameraPorts
from cluster.camera.serve_ports import SUPERVISOR_AWAY, ServeDetector, ServeRecorder, fetch_assignment
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.redaction import redact
from cluster.safety.status import CameraReport, CameraStatus
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings
from cluster.telemetry.logs import configure_logs

CAMERA_NAMESPACE = "cameras"

_log = structlog.get_logger()
_PICTURE_WAITERS = 16
_ASK_AGAIN_S = 1.0
_LONGEST_PICTURE_WAIT_S = 10.0


def actor_name(camera_id: str) -> str:
    """The name under which everybody finds the actor of a camera, and an operator sees it in the dashboard."""
    return f"camera:{camera_id}"


class CameraActor:
    """One camera. The constructor gets the id only and returns at once: a restart by Ray runs it again, and what
    the camera has to do is asked of the supervisor each time, so that no old spec is ever run."""

    def __init__(self, camera_id: str) -> None:
        configure_logs("camera", camera_id=camera_id)
        # One frame in flight needs one thread; more of them only fight with the detector for the cores.
        cv2.setNumThreads(1)
        self._camera_id = camera_id
        self._camera: Camera | None = None
        self._waiting_for = "waits for the supervisor"
        self._started_at = datetime.now(UTC)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._pictures = ThreadPoolExecutor(_PICTURE_WAITERS, thread_name_prefix="picture")
        self._node_id = ray.get_runtime_context().get_node_id()
        threading.Thread(target=self._fetch_and_start, name="start", daemon=True).start()

    async def report(self) -> CameraReport:
        """The heartbeat."""
        camera = self._camera
        report = camera.report() if camera is not None else self._early_report()
        return replace(report, pid=os.getpid(), node_id=self._node_id)

    async def picture(
        self, profile: str, after_epoch: int, after_sequence: int, timeout_s: float
    ) -> LivePicture | None:
        """See `Camera.picture`; waits in a bounded pool, off the event loop."""
        camera = self._camera
        if camera is None:
            return None
        wait_s = min(timeout_s, _LONGEST_PICTURE_WAIT_S)
        return await asyncio.get_running_loop().run_in_executor(
            self._pictures, camera.picture, PictureProfile(profile), (after_epoch, after_sequence), wait_s
        )

    async def apply(self, assignment: Assignment) -> None:
        """Takes over a changed spec; restarts the capture only if the picture itself changes."""
        await asyncio.to_thread(self._apply, assignment)

    async def retire(self, timeout_s: float) -> bool:
        """The camera is not wanted any more: see `Camera.retire`. True if there is none."""
        self._stopping.set()
        camera = self._camera
        return True if camera is None else await asyncio.to_thread(camera.retire, timeout_s)

    async def stop(self, timeout_s: float = 8.0) -> bool:
        """Closes the camera for its next owner; False: something hung and will end with the process."""
        self._stopping.set()
        return await asyncio.to_thread(self._stop, timeout_s)

    def _fetch_and_start(self) -> None:
        while not self._stopping.is_set():
            try:
                assignment, site = fetch_assignment(self._camera_id)
                self._start(assignment, site)
            except SUPERVISOR_AWAY as error:
                self._waiting_for = f"the supervisor does not answer: {type(error).__name__}"
            # The border of the process: whatever fails at the start is said, and tried again.
            except Exception as error:  # noqa: BLE001
                self._waiting_for = redact(
                    f"cannot start: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
                )
                _log.exception("camera_start_failed")
            else:
                return
            self._stopping.wait(_ASK_AGAIN_S)

    def _start(self, assignment: Assignment, site: SiteSettings) -> None:
        ports = CameraPorts(ServeDetector(), ServeRecorder(), self._on_stuck, self._on_lease_lost)
        with self._lock:
            if self._stopping.is_set():
                return
            camera = Camera(assignment, site, ports)
            try:
                camera.start()
            except BaseException:
                camera.stop()  # the next attempt must find its outbox free
                raise
            self._camera = camera

    def _apply(self, assignment: Assignment) -> None:
        with self._lock:
            camera = self._camera
            if camera is None or camera.apply(assignment):
                return
            self._camera, self._waiting_for = None, "the capture starts anew with changed settings"
            try:
                camera.stop()
            # The border of the process: however the old one ended, the new one has to start.
            except Exception:  # noqa: BLE001
                _log.exception("camera_stop_failed")
        # A new lease, because sequences and event ids of the old one must not come twice.
        self._fetch_and_start()

    def _stop(self, timeout_s: float) -> bool:
        with self._lock:
            camera, self._camera = self._camera, None
            return True if camera is None else camera.stop(timeout_s)

    def _on_stuck(self) -> None:
        """Two readers hang in OpenCV: only a new process gets rid of them. Ray starts it."""
        _log.critical("camera_process_restarts", reason="two readers had to be abandoned")
        os._exit(1)

    def _on_lease_lost(self) -> None:
        """Somebody else owns the camera: ask the supervisor, by starting anew."""
        _log.error("camera_process_restarts", reason="the lease went to another owner")
        os._exit(1)

    def _early_report(self) -> CameraReport:
        return CameraReport(self._camera_id, "", CameraStatus.CONNECTING, self._started_at, self._waiting_for)


def _one_line(error: Exception) -> str:
    return redact(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
