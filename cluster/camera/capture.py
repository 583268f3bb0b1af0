"""The capture loop: frames of one camera, again and again, until it is stopped."""

import random
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from cluster.camera.backoff import Backoff
from cluster.camera.capture_health import CaptureHealth, CaptureRecord
from cluster.camera.opening import OPEN_SLACK_S, READ_SLACK_S
from cluster.camera.picture_health import PictureHealth
from cluster.camera.privacy import PrivacyMasks
from cluster.camera.reader import Captured, SourceReader, utc_now
from cluster.camera.sources import FrameSource, open_source
from cluster.safety.errors import CameraEnded, CameraError, CameraUnauthorized, ConfigError
from cluster.safety.frames import Frame
from cluster.safety.redaction import redact
from cluster.settings.cameras import CameraSettings, SourceKind
from cluster.telemetry import metrics

__all__ = ["CaptureHealth", "CaptureLoop"]

STUCK_AFTER_READERS = 2
"""So many abandoned readers, each with a thread and a stream of its own, and the process should start anew."""
_HEALTHY_AFTER_S = 10.0
_READER_END_S = 1.0
_SAY_AGAIN_AFTER_S = 60.0
_REST_S = 3600.0


class CaptureLoop:
    """Reads the frames of one camera and gives each to `on_frame`; reconnects for ever.

    `run` blocks and belongs to one thread, once; `stop` and `health` may be called from any. `on_frame` runs
    in the thread of `run`, gets each frame with its privacy masks painted, and should return at once. Frames
    go on while the picture is judged frozen or covered, because only they can show that it is good again:
    `health().blind_reason` says meanwhile that they show nothing. `on_stuck` is called from the second
    abandoned reader on: the process should be replaced.
    """

    def __init__(
        self,
        camera: CameraSettings,
        epoch: int,
        *,
        on_frame: Callable[[Frame], None],
        on_stuck: Callable[[], None] = lambda: None,
        open_source: Callable[[CameraSettings], FrameSource] = open_source,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = utc_now,
        rng: random.Random | None = None,
    ) -> None:
        self._camera, self._epoch = camera, epoch
        self._on_frame, self._on_stuck, self._open_source = on_frame, on_stuck, open_source
        self._clock, self._wall = clock, wall
        self._backoff = Backoff(camera, rng or random.Random())  # noqa: S311 - jitter is no secret
        self._masks = PrivacyMasks(camera.privacy_masks)
        self._picture_health: PictureHealth | None = None
        self._record = CaptureRecord(camera.unmonitored_after_s)
        self._reader: SourceReader | None = None
        self._kind, self._played_out = camera.kind, False
        self._stopping, self._ended = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._tags = {"camera_id": camera.camera_id}
        self._log = structlog.get_logger().bind(camera_id=camera.camera_id, epoch=epoch)
        self._fault = ""
        self._lost_code, self._said_s = "", 0.0
        self._handler_failed_s: float | None = None

    def run(self) -> None:
        """Captures until `stop`, or until a file that is not looped has ended and `stop` comes."""
        self._thread = threading.current_thread()
        try:
            while not self._stopping.is_set():
                pause_s = self._session()
                if self._played_out:
                    self._rest()
                if self._stopping.wait(pause_s):
                    break
                self._record.reconnecting()
                metrics.camera_reconnects.inc(tags={**self._tags, "error": self._lost_code or "error"})
        finally:
            self._ended.set()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Ends `run`; False: it has not ended within `timeout_s`. Safe to call twice, or before `run`."""
        self._stopping.set()
        if reader := self._reader:
            reader.close()
        if self._thread is None or self._thread is threading.current_thread():
            return True
        return self._ended.wait(timeout_s)

    def health(self) -> CaptureHealth:
        return self._record.look(self._clock())

    def _session(self) -> float:
        """One source from its opening to its end; returns how long to wait before the next."""
        camera = self._camera
        try:
            self._reader = reader = SourceReader(
                lambda: self._open_source(camera), name=camera.camera_id, clock=self._clock, wall=self._wall
            )
        except RuntimeError as error:  # the system has no thread left, for now
            return self._lost(CameraError(str(error)))
        try:
            self._play(reader)
        except (CameraError, ConfigError) as error:
            return self._lost(error)
        # The border of the loop: whatever else goes wrong is a lost camera, and not a dead thread.
        except Exception as error:  # noqa: BLE001
            self._log.exception("capture_failed")
            return self._lost(CameraError(f"{type(error).__name__}: {error}"))
        finally:
            self._part_with(reader)
        return 0.0

    def _rest(self) -> None:
        """What a file shows is over: playing it again without being asked would show the past as live."""
        while not self._stopping.wait(_REST_S):
            pass

    def _play(self, reader: SourceReader) -> None:
        """Hands frames on until the reader is closed (returns) or fails (raises)."""
        if self._stopping.is_set():
            return
        source = reader.wait_opened(self._camera.open_timeout_s + OPEN_SLACK_S)
        if source is None:
            return
        self._record.opened(source.codec)
        self._kind = source.kind
        if self._picture_health is None:
            judge_frozen = source.kind is not SourceKind.FILE
            self._picture_health = PictureHealth(self._camera.picture_health, judge_frozen=judge_frozen)
        connected_s: float | None = None
        while captured := reader.next(self._camera.read_timeout_s + READ_SLACK_S):
            if connected_s is None:
                connected_s = captured.captured_s
                self._say_connected(source, captured)
            if captured.captured_s - connected_s >= _HEALTHY_AFTER_S:
                self._backoff.reset()
            self._take(captured, self._picture_health)

    def _take(self, captured: Captured, picture_health: PictureHealth) -> None:
        image = captured.image
        # Before the masks: a large one would look like a covered lens.
        fault = picture_health.observe(image, captured.captured_s)
        self._masks.paint(image)
        sequence = self._record.frame(captured.captured_s, (image.shape[1], image.shape[0]), fault)
        self._say_fault(fault)
        metrics.frames_captured.inc(tags=self._tags)
        camera_id = self._camera.camera_id
        self._hand_on(Frame(camera_id, self._epoch, sequence, captured.captured_at, captured.captured_s, image))

    def _hand_on(self, frame: Frame) -> None:
        try:
            self._on_frame(frame)
        # The border to whoever takes the frames: his fault must not cost the camera.
        except Exception:  # noqa: BLE001
            if self._handler_failed_s is None or frame.captured_s - self._handler_failed_s >= _SAY_AGAIN_AFTER_S:
                self._handler_failed_s = frame.captured_s
                self._log.exception("frame_handler_failed", correlation_id=frame.correlation_id)

    def _part_with(self, reader: SourceReader) -> None:
        reader.close()
        self._reader = None
        if self._stopping.is_set() or reader.ended(_READER_END_S):
            return
        abandoned = self._record.abandoned()
        metrics.readers_abandoned.inc(tags=self._tags)
        self._log.error("reader_abandoned", abandoned_readers=abandoned)
        if abandoned >= STUCK_AFTER_READERS:
            self._on_stuck()

    def _lost(self, error: CameraError | ConfigError) -> float:
        code = error.code if isinstance(error, CameraError) else "config"
        reason = redact(str(error))
        self._record.lost(code, f"{code}: {reason}")
        if isinstance(error, CameraEnded) and self._kind is SourceKind.FILE:
            self._log.info("camera_ended", reason=reason)
            self._played_out = True
            return 0.0
        pause_s = self._backoff.pause_s(error)
        self._say_lost(code, reason, pause_s, loud=isinstance(error, CameraUnauthorized))
        return pause_s

    def _say_lost(self, code: str, reason: str, pause_s: float, *, loud: bool) -> None:
        """At once when the reason changes, then once a minute: a camera may be away for weeks, and what did not mend
        itself within the first one is an error."""
        now_s, again = self._clock(), code == self._lost_code
        if loud or not again or now_s - self._said_s >= _SAY_AGAIN_AFTER_S:
            say = self._log.error if loud or again else self._log.warning
            say("camera_lost", code=code, reason=reason, retry_in_s=round(pause_s, 1))
            self._said_s = now_s
        self._lost_code = code

    def _say_connected(self, source: FrameSource, captured: Captured) -> None:
        height, width = captured.image.shape[:2]
        facts = {"width": width, "height": height, "fps": round(source.fps, 2), "codec": source.codec}
        if self._lost_code:
            self._log.warning("camera_recovered", after=self._lost_code, **facts)
        else:
            self._log.info("camera_connected", kind=source.kind.value, **facts)
        self._lost_code = ""

    def _say_fault(self, fault: str) -> None:
        if fault != self._fault:
            self._log.warning("picture_lost" if fault else "picture_recovered", reason=fault or self._fault)
            self._fault = fault
