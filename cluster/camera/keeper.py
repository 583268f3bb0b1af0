"""Starts, changes, stops and starts again the camera of one process. Knows no Ray."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from cluster.safety.dry_run import DryRun, dry_run
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.redaction import redact
from cluster.safety.status import CameraReport, CameraStatus
from cluster.safety.zones import Zone
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings

_log = structlog.get_logger()
_ASK_AGAIN_S = 1.0
_STOPS_WITHIN_S = 1.5
"""Nobody watches meanwhile. What is not recorded by then, its successor finds on the same disk."""
_SENDS_WITHIN_S = 8.0
"""Where it is on no disk either."""

Assigned = tuple[Assignment, SiteSettings]


class SupervisorAwayError(Exception):
    """The supervisor did not answer; it is asked again."""


class NotWantedError(Exception):
    """The supervisor wants no such camera, or does not know yet what it wants; it is asked again."""


class KeptCamera(Protocol):
    """`Camera`, as far as the keeper needs it."""

    def start(self) -> None: ...
    def stop(self, timeout_s: float) -> bool: ...
    def retire(self, timeout_s: float) -> bool: ...
    def apply(self, assignment: Assignment) -> bool: ...
    def unwritten(self) -> int: ...
    def report(self) -> CameraReport: ...
    def picture(self, profile: PictureProfile, after: tuple[int, int], timeout_s: float) -> LivePicture | None: ...
    def dry_run(self, zone: Zone) -> DryRun: ...


class CameraKeeper:
    """One process's camera: asks what to do, works, stands by.

    A process asks once when it starts, each second until there is an answer. `ask()` gives what the camera has to do
    under a new lease, or None if this process does not own the camera: then it stands by until `begin`. A process
    that stopped or retired stands by as well. Every method may be called from any thread.
    """

    def __init__(
        self,
        camera_id: str,
        ask: Callable[[], Assigned | None],
        make: Callable[[Assignment, SiteSettings], KeptCamera],
    ) -> None:
        self._camera_id, self._ask, self._make = camera_id, ask, make
        self._camera: KeptCamera | None = None
        self._started_at = datetime.now(UTC)
        self._waiting_for, self._release = "waits for the supervisor", ""
        self._standby = False
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Asks in a thread of its own."""
        threading.Thread(target=self.ask_and_begin, name="start", daemon=True).start()

    def ask_and_begin(self) -> None:
        """Returns when the camera works, somebody else owns it, or it was stopped."""
        stopping = self._stopping
        while not stopping.is_set():
            try:
                assigned = self._ask()
                if assigned is None:
                    return self._stand_by("stands by")
                return self._begin(*assigned, stopping)
            except SupervisorAwayError as error:
                self._waiting_for = f"the supervisor does not answer: {error}"
            except NotWantedError:
                self._waiting_for = "the supervisor does not want this camera, or does not know it yet"
            # The border of the process: whatever fails at the start is said, and tried again.
            except Exception as error:  # noqa: BLE001
                self._waiting_for = redact(f"cannot start: {_one_line(error)}")
                _log.exception("camera_start_failed")
            stopping.wait(_ASK_AGAIN_S)
        return None

    def begin(self, assignment: Assignment, site: SiteSettings) -> None:
        """The camera is this process's from now on; one that works already goes on.

        Whatever keeps it from starting is raised, and the process stands by again.
        """
        if not self._standby and self._camera is not None:
            return
        self._end_left_over()
        self._stopping = stopping = threading.Event()
        self._standby = False
        try:
            self._begin(assignment, site, stopping)
        except BaseException as error:
            self._stand_by(redact(f"cannot start: {_one_line(error)}"))
            raise

    def apply(self, assignment: Assignment) -> None:
        """Takes over a changed spec; restarts the capture only if the picture itself changes.

        Not while the disk has refused events that the Recorder has not taken either: they would die with the camera.
        It watches on as it was, and the supervisor says the same again in its next round.
        """
        with self._lock:
            camera = self._camera
            if camera is None or camera.apply(assignment):
                return
            if held := camera.unwritten():
                _log.error("camera_not_changed", reason="neither the disk nor the Recorder has taken events", held=held)
                return
            self._camera, self._waiting_for = None, "the capture starts anew with changed settings"
            _stop(camera)
        # A new lease, because sequences and event ids of the old one must not come twice.
        self.ask_and_begin()

    def retire(self, timeout_s: float) -> bool:
        """The camera is not wanted any more: see `Camera.retire`. True if there is none."""
        self._stopping.set()
        camera = self._camera
        try:
            return True if camera is None else camera.retire(timeout_s)
        finally:
            self._stand_by("is not wanted any more")

    def stop(self, timeout_s: float) -> bool:
        """Closes the camera for its next owner and stands by; False: something hung and will end with the process."""
        self._stopping.set()
        with self._lock:
            camera, self._camera = self._camera, None
            try:
                return True if camera is None else camera.stop(timeout_s)
            finally:
                self._stand_by("stopped for its next owner")

    def report(self) -> CameraReport:
        """The heartbeat, without what only the process knows."""
        camera = self._camera
        if camera is None:
            waiting = CameraReport(self._camera_id, "", CameraStatus.CONNECTING, self._started_at, self._waiting_for)
            return replace(waiting, standby=self._standby, release=self._release)
        return replace(camera.report(), standby=self._standby, release=self._release)

    def picture(self, profile: PictureProfile, after: tuple[int, int], timeout_s: float) -> LivePicture | None:
        """See `Camera.picture`; None while there is no camera."""
        camera = self._camera
        return None if camera is None else camera.picture(profile, after, timeout_s)

    def dry_run(self, zone: Zone) -> DryRun:
        """See `Camera.dry_run`; nothing was watched where there is no camera."""
        camera = self._camera
        return dry_run(zone, ()) if camera is None else camera.dry_run(zone)

    def _begin(self, assignment: Assignment, site: SiteSettings, stopping: threading.Event) -> None:
        with self._lock:
            if stopping.is_set() or self._camera is not None:
                return
            camera = self._make(assignment, site)
            try:
                camera.start()
            except BaseException:
                _stop(camera)  # the next attempt must find its outbox free
                raise
            # A process never changes its code: what it first began with is what it runs.
            self._release = self._release or assignment.release
            self._camera = camera

    def _end_left_over(self) -> None:
        """A camera that retired still holds its outbox."""
        with self._lock:
            camera, self._camera = self._camera, None
            if camera is not None:
                _stop(camera)

    def _stand_by(self, why: str) -> None:
        self._waiting_for, self._standby = why, True


def _stop(camera: KeptCamera) -> None:
    try:
        camera.stop(_SENDS_WITHIN_S if camera.unwritten() else _STOPS_WITHIN_S)
    # The border of the process: however the old one ended, the new one has to start.
    except Exception:  # noqa: BLE001
        _log.exception("camera_stop_failed")


def _one_line(error: BaseException) -> str:
    """The class and the first 300 characters."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
