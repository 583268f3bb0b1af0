"""One camera at work: capture, detection, courier and watch, each in its own thread. Knows no Ray."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from cluster.camera.capture import CaptureLoop
from cluster.camera.courier import Courier, RecorderPort
from cluster.camera.latest_frame import LatestFrame
from cluster.camera.ledger import open_ledger
from cluster.camera.live_pictures import LivePictures
from cluster.camera.outbox import Outbox
from cluster.camera.pipeline import Detect, Pipeline
from cluster.camera.status_watch import PICTURE_FAULTS
from cluster.camera.tracking import Tracker
from cluster.camera.watch import SHOWN, Watch
from cluster.safety.events import SafetyEvent, Severity
from cluster.safety.frames import Frame, correlation_id
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.status import CameraReport, CameraStatus
from cluster.safety.tracks import Observation
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.site import SiteSettings
from cluster.telemetry import metrics

_log = structlog.get_logger()
_WATCH_PERIOD_S = 0.5


@dataclass(frozen=True, slots=True)
class CameraPorts:
    """What a camera needs of the outside. `on_stuck` and `on_lease_lost` end the process or the work."""

    detect: Detect
    recorder: RecorderPort
    on_stuck: Callable[[], None]
    on_lease_lost: Callable[[], None]


class Camera:
    """Everything of one camera under one lease.

    `start` once; `stop` is bounded and says whether all threads ended; the other methods may be called from
    any thread and answer at once, but for `picture`, which waits up to its timeout.
    """

    def __init__(self, assignment: Assignment, site: SiteSettings, ports: CameraPorts) -> None:
        camera = assignment.camera
        self._assignment = assignment
        self._stopping = threading.Event()
        self._frames, self._pictures = LatestFrame(), LivePictures()
        # An old frame must never be shown as live.
        self._watch = Watch(camera.camera_id, on_blind=self._frames.clear)
        self._outbox = Outbox(outbox_folder(site, camera.camera_id), site.outbox, camera.camera_id)
        self._courier = Courier(
            self._outbox,
            ports.recorder,
            camera_id=camera.camera_id,
            epoch=assignment.epoch,
            retry_max_s=site.outbox.retry_max_s,
            on_lease_lost=ports.on_lease_lost,
        )
        self._ledger = open_ledger(assignment, site, self._outbox, self._courier.wake)
        self._capture = CaptureLoop(camera, assignment.epoch, on_frame=self._on_frame, on_stuck=ports.on_stuck)
        self._pipeline = Pipeline(
            camera, self._frames, ports.detect, Tracker(frame_rate=camera.detect_fps), self._observe
        )
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        _log.info("camera_started", source=self._assignment.camera.public_source, epoch=self._assignment.epoch)
        for work in (self._capture.run, self._pipeline.run, self._courier.run, self._keep_watch):
            thread = threading.Thread(target=work, name=work.__qualname__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def retire(self) -> None:
        """Nobody wants this camera any more: what is open ends, and says why. `stop` follows."""
        now_wall, now_s = datetime.now(UTC), time.monotonic()
        self._stopping.set()
        self._pipeline.stop()
        self._ledger.apply((), fallen=False, now_wall=now_wall, now_s=now_s)
        frame_id = correlation_id(self._assignment.camera.camera_id, self._assignment.epoch, 0)
        self._ledger.status(CameraStatus.DISABLED, "switched off", now_wall, now_s, frame_id)

    def stop(self, timeout_s: float = 8.0) -> bool:
        """No new frames; the frame in flight ends; the outbox empties as far as time allows.

        Open episodes stay open for whoever watches this camera next.
        """
        deadline_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._pipeline.stop()
        self._frames.close()
        self._capture.stop(timeout_s / 2)
        emptied = self._courier.flush(max(0.1, deadline_s - time.monotonic() - 1.0))
        self._courier.stop()
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))
        ended = not any(thread.is_alive() for thread in self._threads)
        self._outbox.close()
        _log.info("camera_stopped", threads_ended=ended, outbox_emptied=emptied)
        return ended

    def apply(self, assignment: Assignment) -> bool:
        """Takes over what can change in a running camera; False: the change needs a new start."""
        if _needs_restart(self._assignment, assignment):
            return False
        camera = assignment.camera
        self._ledger.apply(camera.zones, fallen=camera.fallen, now_wall=datetime.now(UTC), now_s=time.monotonic())
        self._pipeline.apply(camera)
        self._assignment = assignment
        _log.info("camera_changed", revision=assignment.revision)
        return True

    def report(self) -> CameraReport:
        """The heartbeat, without `pid` and `node_id`."""
        camera, health, looked = self._assignment.camera, self._capture.health(), self._pipeline.looked()
        dropped = self._outbox.dropped()
        return CameraReport(
            camera_id=camera.camera_id,
            name=camera.name,
            status=self._watch.status,
            since=self._watch.since,
            reason=self._watch.reason or self._not_judged(),
            source=camera.public_source,
            revision=self._assignment.revision,
            epoch=self._assignment.epoch,
            width=health.width,
            height=health.height,
            capture_fps=health.fps,
            detect_fps=self._pipeline.detect_fps(),
            frame_age_s=self._watch.frame_age_s,
            inference_age_s=_age_s(looked.inference_s),
            dropped_frames=looked.dropped,
            reconnects=health.reconnects,
            outbox_events=self._outbox.depth(),
            outbox_dropped=sum(dropped.values()),
            outbox_dropped_critical=dropped[Severity.CRITICAL],
        )

    def picture(self, profile: PictureProfile, after: tuple[int, int], timeout_s: float) -> LivePicture | None:
        """The newest frame after (epoch, sequence); what is wrong, if the camera is blind; None at the timeout."""
        after_sequence = after[1] if after[0] == self._assignment.epoch else 0
        if self._watch.status not in SHOWN:
            return self._no_picture()
        frame = self._frames.take(after_sequence, timeout_s)
        if self._watch.status not in SHOWN:
            return self._no_picture()
        return None if frame is None else self._live_picture(frame, profile)

    def watch_once(self) -> None:
        """Judges the camera and tells the health rules."""
        camera, health, looked = self._assignment.camera, self._capture.health(), self._pipeline.looked()
        self._watch.look(camera, health, looked)
        frame_id = correlation_id(camera.camera_id, self._assignment.epoch, health.sequence)
        self._ledger.status(self._watch.status, self._watch.reason, datetime.now(UTC), time.monotonic(), frame_id)
        if (age_s := _age_s(looked.inference_s)) is not None:
            metrics.camera_inference_age.set(age_s, {"camera_id": camera.camera_id})

    def _not_judged(self) -> str:
        """A zone whose rule the model cannot judge must not look safe."""
        objects = ", ".join(sorted(self._ledger.unjudged()))
        return f"rules about {objects} are not judged: the model in service cannot find them" if objects else ""

    def _keep_watch(self) -> None:
        while not self._stopping.wait(_WATCH_PERIOD_S):
            try:
                self.watch_once()
            # The border of the loop: a fault in judging must not leave an old status standing unwatched.
            except Exception as error:  # noqa: BLE001
                self._watch.become(CameraStatus.UNMONITORED, f"the watch failed: {type(error).__name__}")
                _log.exception("watch_failed")

    def _on_frame(self, frame: Frame) -> None:
        """Called by the capture thread for each frame: nothing here may take long."""
        self._watch.frame(frame, self._assignment.camera.unmonitored_after_s)
        self._frames.put(frame)

    def _observe(self, observation: Observation, frame: Frame) -> list[SafetyEvent]:
        """A frozen or covered picture proves nothing: who stands in it may have left, and the reverse."""
        if self._capture.health().error_code in PICTURE_FAULTS:
            return []
        return self._ledger.observe(observation, frame)

    def _live_picture(self, frame: Frame, profile: PictureProfile) -> LivePicture:
        jpeg, width, height = self._pictures.encode(frame, profile)
        looked, status = self._pipeline.looked(), self._watch.status
        return LivePicture(
            camera_id=frame.camera_id,
            epoch=frame.epoch,
            sequence=frame.sequence,
            captured_at=frame.captured_at,
            status=status,
            reason=self._watch.reason,
            width=width,
            height=height,
            jpeg=jpeg,
            # Boxes of a detector that stopped answering would stand still over a moving picture.
            objects=looked.objects if status is CameraStatus.MONITORED else (),
            objects_sequence=looked.sequence,
            zones=self._ledger.outlines(),
        )

    def _no_picture(self) -> LivePicture:
        return LivePicture(
            camera_id=self._assignment.camera.camera_id,
            epoch=self._assignment.epoch,
            sequence=0,
            captured_at=self._watch.since,
            status=self._watch.status,
            reason=self._watch.reason,
            width=0,
            height=0,
            jpeg=b"",
            zones=self._ledger.outlines(),
        )


def outbox_folder(site: SiteSettings, camera_id: str) -> Path:
    """Where one camera keeps what is not yet recorded, on the disk of the node that it runs on."""
    return site.data_dir / "outbox" / camera_id


_LIVE_FIELDS = frozenset(
    {"name", "detect", "detect_fps", "max_frame_age_s", "detector_deadline_s", "degraded_after_s", "fallen", "zones"}
)
"""What changes in a running camera; everything else concerns the capture, and begins a new lease."""


def _needs_restart(old: Assignment, new: Assignment) -> bool:
    kept = set(CameraSettings.model_fields) - _LIVE_FIELDS
    return old.epoch != new.epoch or any(getattr(old.camera, key) != getattr(new.camera, key) for key in kept)


def _age_s(then_s: float | None) -> float | None:
    return None if then_s is None else max(0.0, time.monotonic() - then_s)
