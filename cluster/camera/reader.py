"""Opens and reads one source in a thread of its own, so that a call that never returns harms nobody."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from cluster.camera.sources import FrameSource
from cluster.safety.errors import CameraError, CameraStalled, ConfigError
from cluster.safety.frames import Image

_log = structlog.get_logger()


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """A picture with the times at which it came: wall time (UTC) and the monotonic clock."""

    image: Image
    captured_at: datetime
    captured_s: float


class SourceReader:
    """One source, from its opening to its end.

    The reader's own thread reads on and on into one place, where the newest wins; `wait_opened`, `next` and
    `close` belong to the thread that made the reader, and each returns in time, whatever OpenCV does.
    A reader that hangs is left behind: its thread is a daemon and closes the source itself should it ever
    come back, and nothing that it brings then is taken.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        *,
        name: str,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = utc_now,
    ) -> None:
        self._open_source, self._clock, self._wall = open_source, clock, wall
        self._changed = threading.Condition()
        self._closing = False
        self._source: FrameSource | None = None
        self._captured: Captured | None = None
        self._error: CameraError | ConfigError | None = None
        self._thread = threading.Thread(target=self._run, name=f"reader:{name}", daemon=True)
        self._thread.start()

    def wait_opened(self, timeout_s: float) -> FrameSource | None:
        """The source, for its facts only; None: closed.

        Raises:
            CameraError, ConfigError: as the source's opening, and `CameraStalled` after `timeout_s`.
        """
        with self._changed:
            in_time = self._changed.wait_for(lambda: bool(self._source or self._error or self._closing), timeout_s)
            if self._source is None and self._error is not None:
                raise self._error
            if not in_time:
                raise CameraStalled(f"the opening hangs for more than {timeout_s:g} s", "restart the camera")
            return None if self._closing else self._source

    def next(self, timeout_s: float) -> Captured | None:
        """The newest picture that was not handed out yet; None: closed.

        Raises:
            CameraError: as the source's `read`, and `CameraStalled` after `timeout_s`.
        """
        with self._changed:
            in_time = self._changed.wait_for(lambda: bool(self._captured or self._error or self._closing), timeout_s)
            if self._closing:
                return None
            if self._captured is None and self._error is not None:
                raise self._error
            if not in_time:
                raise CameraStalled(f"the reading hangs for more than {timeout_s:g} s", "restart the camera")
            captured, self._captured = self._captured, None
            return captured

    def close(self) -> None:
        """Wakes who waits, lets the thread end after its present call. Any thread may call it."""
        with self._changed:
            self._closing = True
            # An error holds the calls that it came through, they hold this reader and pictures, and this reader would
            # hold the error (as would the answer of `wait_for`, were it not a bool): such a ring stays in memory until
            # Python looks for rings, ten minutes later, and every lost connection left one.
            self._captured = self._error = None
            self._changed.notify_all()

    def ended(self, timeout_s: float) -> bool:
        """Whether the thread ends within `timeout_s`; if not, it hangs."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._read_on()
        except (CameraError, ConfigError) as error:
            self._fail(error)
        # The border of the thread: whatever a source raises ends as an error that the loop understands.
        except Exception as error:  # noqa: BLE001
            _log.exception("reader_failed")
            self._fail(CameraError(f"{type(error).__name__}: {error}"))

    def _read_on(self) -> None:
        source = self._open_source()
        try:
            with self._changed:
                self._source = source
                self._changed.notify_all()
            while not self._closing:
                image = source.read()
                self._hand_over(Captured(image, self._wall(), self._clock()))
        finally:
            source.close()

    def _hand_over(self, captured: Captured) -> None:
        with self._changed:
            if not self._closing:
                self._captured = captured
                self._changed.notify_all()

    def _fail(self, error: CameraError | ConfigError) -> None:
        with self._changed:
            if not self._closing:
                self._error = error
                self._changed.notify_all()
