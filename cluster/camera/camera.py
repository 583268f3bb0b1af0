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
from cluster.camera.ledger import EpisodeLedger
from cluster.camera.live_pictures import LivePictures
from cluster.camera.outbox import Outbox
from cluster.camera.pipeline import Detect, Pipeline
from cluster.camera.rate import RateMeter
from cluster.camera.status_watch import CameraFacts, judge
from cluster.camera.tracking import Tracker
from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.frames import Frame, correlation_id
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.status import CameraReport, CameraStatus
from cluster.safety.zone_rules import CameraRules
from cluster.settings.cameras import Assignment
from cluster.settings.site import SiteSettings
from cluster.telemetry import metrics

_log = structlog.get_logger()
_WATCH_PERIOD_S = 0.5
_SHOWN = (CameraStatus.MONITORED, CameraStatus.DEGRADED)


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
        self._assignment, self._ports = assignment, ports
        self._stopping = threading.Event()
        self._frames = LatestFrame()
        self._rate = RateMeter()
        self._status, self._reason = CameraStatus.CONNECTING, ""
        self._since = datetime.now(UTC)
        self._started_s = time.monotonic()
        self._frames_since_s: float | None = None
        self._last_frame_s: float | None = None
        self._pictures = LivePictures()
        self._outbox = Outbox(outbox_folder(site, camera.camera_id), site.outbox, camera.camera_id)
        self._courier = Courier(
            self._outbox,
            ports.recorder,
            camera_id=camera.camera_id,
            epoch=assignment.epoch,
            retry_max_s=site.outbox.retry_max_s,
            on_lease_lost=ports.on_lease_lost,
        )
        self._ledger = self._open_ledger(assignment, site)
        self._capture = CaptureLoop(camera, assignment.epoch, on_frame=self._on_frame, on_stuck=ports.on_stuck)
        tracker = Tracker(frame_rate=camera.detect_fps)
        self._pipeline = Pipeline(camera, self._frames, ports.detect, tracker, self._ledger.observe)
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        _log.info("camera_started", source=self._assignment.camera.public_source, epoch=self._assignment.epoch)
        for work in (self._capture.run, self._pipeline.run, self._courier.run, self._watch):
            thread = threading.Thread(target=work, name=work.__qualname__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 8.0) -> bool:
        """No new frames; the frame in flight ends; the outbox empties as far as time allows."""
        deadline_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._capture.stop()
        self._pipeline.stop()
        self._frames.close()
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
        now_s = time.monotonic()
        camera, health, looked = self._assignment.camera, self._capture.health(), self._pipeline.looked()
        return CameraReport(
            camera_id=camera.camera_id,
            name=camera.name,
            status=self._status,
            since=self._since,
            reason=self._reason,
            source=camera.public_source,
            revision=self._assignment.revision,
            epoch=self._assignment.epoch,
            width=health.width,
            height=health.height,
            capture_fps=self._rate.rate(now_s),
            detect_fps=self._pipeline.detect_fps(),
            frame_age_s=_age(now_s, self._last_frame_s),
            inference_age_s=_age(now_s, looked.inference_s),
            dropped_frames=looked.dropped,
            reconnects=health.reconnects,
            outbox_events=self._outbox.depth(),
            outbox_dropped=sum(self._outbox.dropped().values()),
        )

    def picture(self, profile: PictureProfile, after: tuple[int, int], timeout_s: float) -> LivePicture | None:
        """The newest frame after (epoch, sequence); what is wrong, if the camera is blind; None at the timeout."""
        after_sequence = after[1] if after[0] == self._assignment.epoch else 0
        if self._status not in _SHOWN:
            return self._no_picture()
        frame = self._frames.take(after_sequence, timeout_s)
        if self._status not in _SHOWN:
            return self._no_picture()
        return None if frame is None else self._live_picture(frame, profile)

    def _live_picture(self, frame: Frame, profile: PictureProfile) -> LivePicture:
        jpeg, width, height = self._pictures.encode(frame, profile)
        looked = self._pipeline.looked()
        return LivePicture(
            camera_id=frame.camera_id,
            epoch=frame.epoch,
            sequence=frame.sequence,
            captured_at=frame.captured_at,
            status=self._status,
            reason=self._reason,
            width=width,
            height=height,
            jpeg=jpeg,
            objects=looked.objects if self._status is CameraStatus.MONITORED else (),
            objects_sequence=looked.sequence,
            zones=self._ledger.outlines(),
        )

    def _no_picture(self) -> LivePicture:
        camera_id, epoch = self._assignment.camera.camera_id, self._assignment.epoch
        zones = self._ledger.outlines()
        return LivePicture(camera_id, epoch, 0, self._since, self._status, self._reason, 0, 0, b"", (), 0, zones)

    def _on_frame(self, frame: Frame) -> None:
        """Called by the capture thread for each frame: nothing here may take long."""
        camera = self._assignment.camera
        if self._last_frame_s is None or frame.captured_s - self._last_frame_s > camera.unmonitored_after_s:
            self._frames_since_s = frame.captured_s
        self._last_frame_s = frame.captured_s
        self._rate.tick(frame.captured_s)
        self._frames.put(frame)

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_PERIOD_S):
            try:
                self.watch_once()
            # The border of the loop: a fault in judging must not leave an old status standing unwatched.
            except Exception as error:  # noqa: BLE001
                self._set_status(CameraStatus.UNMONITORED, f"the watch failed: {type(error).__name__}")
                _log.exception("watch_failed")

    def watch_once(self) -> None:
        """Judges the camera and tells the health rules."""
        now_s, camera = time.monotonic(), self._assignment.camera
        health, looked = self._capture.health(), self._pipeline.looked()
        facts = CameraFacts(
            now_s=now_s,
            started_s=self._started_s,
            frame_s=self._last_frame_s,
            frames_since_s=self._frames_since_s,
            inference_s=looked.inference_s,
            blind_reason=health.blind_reason,
            detector_reason=looked.error,
        )
        status, reason = judge(facts, camera, self._status)
        self._set_status(status, reason)
        frame_id = correlation_id(camera.camera_id, self._assignment.epoch, health.sequence)
        self._ledger.status(status, reason, datetime.now(UTC), now_s, frame_id)
        tags = {"camera_id": camera.camera_id}
        metrics.outbox_events.set(self._outbox.depth(), tags)
        if looked.inference_s is not None:
            metrics.camera_inference_age.set(now_s - looked.inference_s, tags)

    def _set_status(self, status: CameraStatus, reason: str) -> None:
        if status is not self._status:
            level = _log.info if status is CameraStatus.MONITORED else _log.warning
            level("camera_status_changed", before=self._status.value, status=status.value, reason=reason)
            metrics.camera_status_changes.inc(
                1, {"camera_id": self._assignment.camera.camera_id, "status": status.value}
            )
            self._since = datetime.now(UTC)
            if status not in _SHOWN:
                # An old frame must never be shown as live.
                self._frames.clear()
        self._status, self._reason = status, reason

    def _open_ledger(self, assignment: Assignment, site: SiteSettings) -> EpisodeLedger:
        camera, epoch = assignment.camera, assignment.epoch
        rules = CameraRules(camera.camera_id, epoch, camera.zones, fallen=camera.fallen)
        health = CameraHealthRules(camera.camera_id, epoch, camera.has_danger_zone)
        ledger = EpisodeLedger(
            rules,
            health,
            self._outbox,
            zones=camera.zones,
            on_events=self._courier.wake,
            jpeg_quality=site.snapshots.jpeg_quality,
        )
        ledger.resume(self._outbox.open_episodes(), datetime.now(UTC), time.monotonic())
        return ledger


def outbox_folder(site: SiteSettings, camera_id: str) -> Path:
    """Where one camera keeps what is not yet recorded, on the disk of the node that it runs on."""
    return site.data_dir / "outbox" / camera_id


def _needs_restart(old: Assignment, new: Assignment) -> bool:
    """Whether the picture itself changes; zones, rates and detection do not touch the capture."""
    capture = ("source", "transport", "loop", "open_timeout_s", "read_timeout_s", "privacy_masks", "picture_health")
    backoff = ("max_backoff_s", "unauthorized_backoff_s")
    return old.epoch != new.epoch or any(
        getattr(old.camera, key) != getattr(new.camera, key) for key in (*capture, *backoff)
    )


def _age(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else max(0.0, now_s - then_s)
