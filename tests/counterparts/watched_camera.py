"""A capture loop on a real stream, and what it gave."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from counterparts.waiting import wait_for

from cluster.camera.capture import CaptureLoop
from cluster.safety.frames import Frame
from cluster.settings.cameras import CameraSettings


def camera_at(source: str, **settings: object) -> CameraSettings:
    return CameraSettings(camera_id="gate-1", source=source, **settings)


class Watched:
    """A loop that runs, and what it gave."""

    def __init__(self, settings: CameraSettings) -> None:
        self.sequences: list[int] = []
        self.last: Frame | None = None
        self.loop = CaptureLoop(settings, 7, on_frame=self._keep)
        self._thread = threading.Thread(target=self.loop.run, daemon=True)
        self._thread.start()

    def _keep(self, frame: Frame) -> None:
        self.sequences.append(frame.sequence)
        self.last = frame

    def more_frames(self, count: int = 20) -> None:
        goal = len(self.sequences) + count
        self._wait_for(f"{count} more frames", lambda: len(self.sequences) >= goal)

    def blind(self, *codes: str) -> None:
        self._wait_for(f"{codes}", lambda: self.loop.health().error_code in codes)

    def _wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        wait_for(what, condition, every_s=0.02, instead=self.loop.health)

    def end(self) -> None:
        assert self.loop.stop(10)
        self._thread.join(10)


@contextlib.contextmanager
def watching(settings: CameraSettings) -> Iterator[Watched]:
    watched = Watched(settings)
    try:
        yield watched
    finally:
        watched.end()
