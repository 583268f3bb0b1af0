"""How the capture of one camera is doing, for whoever asks."""

import threading
from collections import deque
from dataclasses import dataclass

_RATE_WINDOW_S = 5.0
_MOST_TIMES = 1200


@dataclass(frozen=True, slots=True)
class CaptureHealth:
    """A look at a `CaptureLoop`.

    connected: frames come, or came until a moment ago.  frame_age_s: since the last new frame that shows
    something, None: never.  blind_reason: "" or one redacted line: `code: text` of the error, "frozen
    picture", "covered lens", or "stalled: ..." once no frame came for `unmonitored_after_s`.  error_code: a
    class of `CameraError`, "config", "frozen", "covered", or "".  width, height in pixels of the last frame,
    fps: of the last 5 seconds.  sequence: of the last frame, 0: none.  reconnects: attempts to open again.
    abandoned_readers: how often OpenCV hung.
    """

    connected: bool
    frame_age_s: float | None
    blind_reason: str
    error_code: str
    width: int
    height: int
    fps: float
    sequence: int
    reconnects: int
    abandoned_readers: int
    codec: str


class CaptureRecord:
    """What `CaptureHealth` is made from; the capture thread writes, any thread reads."""

    def __init__(self, unmonitored_after_s: float) -> None:
        self._lock = threading.Lock()
        self._unmonitored_after_s = unmonitored_after_s
        self._connected = False
        self._reason, self._code = "", ""
        self._codec = ""
        self._size = (0, 0)
        self._sequence = 0
        self._reconnects = 0
        self._abandoned = 0
        self._good_s: float | None = None
        self._times: deque[float] = deque(maxlen=_MOST_TIMES)

    def opened(self, codec: str) -> None:
        with self._lock:
            self._codec = codec
            self._times.clear()

    def frame(self, captured_s: float, size: tuple[int, int], fault: str) -> int:
        """A frame came; `fault` is what `PictureHealth` says of it. Returns its sequence."""
        with self._lock:
            self._connected, self._size = True, size
            self._reason, self._code = fault, fault.partition(" ")[0]
            self._times.append(captured_s)
            if not fault:
                self._good_s = captured_s
            self._sequence += 1
            return self._sequence

    def lost(self, code: str, reason: str) -> None:
        with self._lock:
            self._connected = False
            self._reason, self._code = reason, code

    def reconnecting(self) -> None:
        with self._lock:
            self._reconnects += 1

    def abandoned(self) -> int:
        """A reader was left behind; returns how many so far."""
        with self._lock:
            self._abandoned += 1
            return self._abandoned

    def look(self, now_s: float) -> CaptureHealth:
        with self._lock:
            reason, code = self._reason or self._stall(now_s), self._code
            return CaptureHealth(
                connected=self._connected,
                frame_age_s=None if self._good_s is None else max(0.0, now_s - self._good_s),
                blind_reason=reason,
                error_code=code or ("stalled" if reason else ""),
                width=self._size[0],
                height=self._size[1],
                fps=self._fps(now_s),
                sequence=self._sequence,
                reconnects=self._reconnects,
                abandoned_readers=self._abandoned,
                codec=self._codec,
            )

    def _stall(self, now_s: float) -> str:
        """Said before the read's own deadline is over: a blind camera must not wait for that."""
        waits = self._connected and self._times and now_s - self._times[-1] > self._unmonitored_after_s
        return f"stalled: no frame for more than {self._unmonitored_after_s:g} s" if waits else ""

    def _fps(self, now_s: float) -> float:
        recent = [time_s for time_s in self._times if now_s - time_s <= _RATE_WINDOW_S]
        if not self._connected or len(recent) < 2 or recent[-1] <= recent[0]:
            return 0.0
        # Until now, and not until the last frame: a stream that stands slows down at once.
        return (len(recent) - 1) / max(recent[-1] - recent[0], now_s - recent[0] - 1.0)
