"""The one place between capture and everything that looks at frames: the newest wins."""

import threading

from cluster.safety.frames import Frame


class LatestFrame:
    """Holds at most one frame. Any thread may call any method.

    Serves one epoch: sequences of two epochs do not compare.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._closed = False

    def put(self, frame: Frame) -> None:
        """Replaces what is there; nothing waits for a slow reader. Ignored once closed."""
        with self._changed:
            if not self._closed:
                self._frame = frame
                self._changed.notify_all()

    def take(self, after_sequence: int, timeout_s: float) -> Frame | None:
        """A frame with a higher sequence than `after_sequence`, or None: none came in time, or closed.

        The frame stays, so that several readers each see it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_newer(after_sequence), timeout_s)
            return self._frame if self._is_newer(after_sequence) else None

    def clear(self) -> None:
        """Forgets the frame: a blind camera must not show its last picture as live."""
        with self._changed:
            self._frame = None

    def close(self) -> None:
        """Forgets the frame, takes no other and wakes who waits."""
        with self._changed:
            self._frame = None
            self._closed = True
            self._changed.notify_all()

    def _is_newer(self, sequence: int) -> bool:
        return self._frame is not None and self._frame.sequence > sequence
