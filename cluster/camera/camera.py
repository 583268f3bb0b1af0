"""One camera at work: capture, detection, courier and watch, each in its own thread. Knows no Ray."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from cluster.camera.api_sources import opener
from cluster.camera.capture import CaptureLoop
from cluster.camera.courier import Courier, RecorderPort
from cluster.camera.event_times import EventTimes
from cluster.camera.latest_frame import LatestFrame
from cluster.camera.ledger import open_ledger
from cluster.camera.live_settings import needs_restart
from cluster.camera.live_view import LiveView
from cluster.camera.outbox import Outbox
from cluster.camera.pipeline import Detect, Pipeline
from cluster.camera.status_watch import PICTURE_FAULTS, not_judged
from cluster.camera.track_memory import TrackMemory
from cluster.camera.tracking import Tracker
from cluster.camera.watch import Watch
from cluster.safety.dry_run import DryRun, dry_run
from cluster.safety.events import SafetyEvent, Severity
from cluster.safety.frames import Frame, correlation_id
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.status import CameraReport, CameraStatus
from cluster.safety.tracks import Observation
from cluster.safety.zones import Zone
from cluster.settings.base import data_folder
from cluster.settings.cameras import Assignment, logging_of
from cluster.settings.site import SiteSettings

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
        self._frames = LatestFrame()
        # An old frame must never be shown as live.
        self._watch = Watch(camera.camera_id, on_blind=self._frames.clear)
        self._outbox = Outbox(outbox_folder(site, camera.camera_id), site.outbox, camera.camera_id)
        self._times = EventTimes()
        self._memory = TrackMemory(camera.camera_id, assignment.epoch)
        self._courier = Courier(
            self._outbox,
            ports.recorder,
            camera_id=camera.camera_id,
            epoch=assignment.epoch,
            retry_max_s=site.outbox.retry_max_s,
            on_lease_lost=ports.on_lease_lost,
            times=self._times,
        )
        try:
            self._ledger = open_ledger(assignment, site, self._outbox, self._courier.wake, self._times)
            self._capture = CaptureLoop(
                camera,
                assignment.epoch,
                on_frame=self._on_frame,
                on_stuck=ports.on_stuck,
                open_source=opener(assignment, site),
            )
            tracker = Tracker(frame_rate=camera.detect_fps)
            self._pipeline = Pipeline(
                camera, self._frames, ports.detect, tracker, self._observe, violations=self._ledger.violated_zones
            )
            self._apply_logging(assignment)
            self._view = LiveView(self._frames, self._watch, self._pipeline, self._ledger)
        except BaseException:
            # The next attempt must find the folder free.
            self._outbox.close()
            raise
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        _log.info("camera_started", source=self._assignment.camera.public_source, epoch=self._assignment.epoch)
        for work in (self._capture.run, self._pipeline.run, self._courier.run, self._keep_watch):
            thread = threading.Thread(target=work, name=work.__qualname__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def retire(self, timeout_s: float) -> bool:
        """Nobody wants this camera any more: what is open ends and says why; then `stop` follows.

        False: the outbox could not be emptied within `timeout_s`. The courier goes on; ask again.
        """
        self._stopping.set()
        self._pipeline.stop()
        self._capture.stop(timeout_s / 2)
        frame_id = correlation_id(self._assignment.camera.camera_id, self._assignment.epoch, 0)
        self._ledger.retire(datetime.now(UTC), time.monotonic(), frame_id)
        return self._courier.flush(timeout_s / 2)

    def stop(self, timeout_s: float) -> bool:
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
        if needs_restart(self._assignment, assignment):
            return False
        camera = assignment.camera
        self._ledger.apply(camera.zones, fallen=camera.fallen, now_wall=datetime.now(UTC), now_s=time.monotonic())
        self._pipeline.apply(camera)
        self._apply_logging(assignment)
        self._assignment = assignment
        _log.info("camera_changed", revision=assignment.revision)
        return True

    def unwritten(self) -> int:
        """Events that the disk refused and nobody has taken: they end with this camera."""
        return self._outbox.unwritten()

    def report(self) -> CameraReport:
        """The heartbeat, without `pid` and `node_id`."""
        camera, health, looked = self._assignment.camera, self._capture.health(), self._pipeline.looked()
        dropped, look = self._outbox.dropped(), self._pipeline.look_state()
        status, reason = self._watch.verdict()
        return CameraReport(
            camera_id=camera.camera_id,
            name=camera.name,
            status=status,
            since=self._watch.since,
            reason=reason,
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
            unanswered_frames=looked.unanswered,
            reconnects=health.reconnects,
            outbox_events=self._outbox.depth(),
            outbox_dropped=sum(dropped.values()),
            outbox_dropped_critical=dropped[Severity.CRITICAL],
            speechless=self._watch.hangs,
            open_events=self._ledger.open_events,
            detect_fps_limit=look.limit_fps,
            gated_frames=looked.gated,
            breaker=look.breaker.value,
        )

    def picture(self, profile: PictureProfile, after: tuple[int, int], timeout_s: float) -> LivePicture | None:
        """The newest frame after (epoch, sequence); what is wrong, if the camera is blind; None at the timeout."""
        return self._view.picture(self._assignment, profile, after, timeout_s)

    def dry_run(self, zone: Zone) -> DryRun:
        """What `zone` would have told in the last ten minutes; takes up to seconds, and the frames go first."""
        return dry_run(zone, self._memory.observations(gently=True))

    def watch_once(self) -> None:
        """Judges the camera and tells the health rules."""
        camera, health, looked = self._assignment.camera, self._capture.health(), self._pipeline.looked()
        look = self._pipeline.look_state()
        unjudged = not_judged(self._ledger.unjudged())
        self._watch.look(camera, health, looked, unjudged, self._assignment.switched_off, look)
        if not camera.detect or look.refused:
            # Nobody looks: as with a blind camera, what is told stays told and nothing is counted.
            self._ledger.unwatched(datetime.now(UTC), time.monotonic())
        self._tell_status()
        self._watch.export(camera, look, _age_s(looked.inference_s))

    def _apply_logging(self, assignment: Assignment) -> None:
        self._pipeline.log_frames_every(logging_of(assignment).frame_every_s)

    def _tell_status(self) -> None:
        camera_id, sequence = self._assignment.camera.camera_id, self._capture.health().sequence
        frame_id = correlation_id(camera_id, self._assignment.epoch, sequence)
        self._ledger.status(self._watch.status, self._watch.reason, datetime.now(UTC), time.monotonic(), frame_id)

    def _keep_watch(self) -> None:
        while not self._stopping.wait(_WATCH_PERIOD_S):
            try:
                self.watch_once()
            # The border of the loop: a fault in judging must not leave an old status standing unwatched.
            except Exception as error:  # noqa: BLE001
                _log.exception("watch_failed")
                self._tell_failed_watch(f"the watch failed: {type(error).__name__}")

    def _tell_failed_watch(self, reason: str) -> None:
        self._watch.become(CameraStatus.UNMONITORED, reason)
        try:
            self._tell_status()
        # The same border: if even this fails, the heartbeat says the status.
        except Exception:  # noqa: BLE001
            _log.exception("status_not_told")

    def _on_frame(self, frame: Frame) -> None:
        """Called by the capture thread for each frame: nothing here may take long."""
        self._watch.frame(frame, self._assignment.camera.unmonitored_after_s)
        self._frames.put(frame)

    def _observe(self, observation: Observation, frame: Frame) -> list[SafetyEvent]:
        """A frozen or covered picture proves nothing: who stands in it may have left, and the reverse."""
        if self._capture.health().error_code in PICTURE_FAULTS:
            return []
        self._times.looking_at(frame)
        self._memory.add(observation)
        return self._ledger.observe(observation, frame)


def outbox_folder(site: SiteSettings, camera_id: str) -> Path:
    """Where one camera keeps what is not yet recorded, on the disk of the node that it runs on."""
    return data_folder(site.data_dir) / "outbox" / camera_id


def _age_s(then_s: float | None) -> float | None:
    return None if then_s is None else max(0.0, time.monotonic() - then_s)
