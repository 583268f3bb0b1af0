"""Video files: what is wrong with them, and playing them at their own rate."""

import os
import threading
import time
from pathlib import Path

import cv2

from cluster.camera.pace import Pace
from cluster.camera.stream_facts import StreamFacts
from cluster.safety.errors import CameraEnded, CameraError, CameraNotFound, CameraUnreadable
from cluster.safety.frames import Image
from cluster.settings.cameras import SourceKind

# FFmpeg shows text as video: it would draw the letters of a notes file as a picture.
_DRAWN_TEXT_CODECS = frozenset({"ansi", "bintext", "xbin", "idf"})
_FRAMES_MISSING_SHARE = 0.9


class FileSource:
    """A file, read as fast as it plays; at its end it begins again (`loop`) or raises `CameraEnded`.

    `read` and `close` belong to one thread.
    """

    kind = SourceKind.FILE

    def __init__(self, path: Path, *, loop: bool) -> None:
        """
        Raises:
            CameraNotFound: nothing lies at `path`.
            CameraUnreadable: it is no video.
        """
        self._path, self._loop = path, loop
        self._capture = _opened(path)
        facts = StreamFacts.of(self._capture)
        self.width, self.height, self.fps, self.codec = facts.width, facts.height, facts.fps, facts.codec
        self._pace = Pace()
        self._frames = 0
        self._closed = threading.Event()

    def read(self) -> Image:
        """The next frame, when it is due.

        Raises:
            CameraEnded: the end, without `loop`.
            CameraUnreadable: not one frame can be read.
            CameraNotFound: the file vanished between two rounds.
        """
        ok, image = self._capture.read()
        if not ok:
            self._begin_again()
            ok, image = self._capture.read()
            if not ok:
                raise self._no_frame()
        self._wait_until_due()
        self._frames += 1
        return image  # type: ignore[return-value]  # OpenCV's stubs leave the type of the pixels open

    def close(self) -> None:
        self._closed.set()
        self._capture.release()

    def _begin_again(self) -> None:
        if self._frames == 0:
            raise self._no_frame()
        if not self._loop:
            raise CameraEnded(f"the file {self._path} ended after {self._frames} frames{self._shortfall()}")
        # Opened anew: seeking to the start is not exact in every container.
        self._capture.release()
        self._capture = _opened(self._path)
        self._pace = Pace()
        self._frames = 0

    def _wait_until_due(self) -> None:
        rate = self.fps or 25.0
        pause_s = self._pace.wait_s(self._frames / rate, time.monotonic())
        if pause_s > 0:
            self._closed.wait(pause_s)

    def _shortfall(self) -> str:
        announced = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        truncated = 0 < self._frames < announced * _FRAMES_MISSING_SHARE
        return f" of {announced}: it is truncated" if truncated else ""

    def _no_frame(self) -> CameraError:
        return CameraUnreadable(f"no frame can be read from {self._path}", "it may be truncated; copy it again")


def _opened(path: Path) -> cv2.VideoCapture:
    if reason := _fault(path):
        raise reason
    # What another source of this process may have set is for streams only.
    os.environ.pop("OPENCV_FFMPEG_CAPTURE_OPTIONS", None)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 2])
    if capture.isOpened() and StreamFacts.of(capture).codec not in _DRAWN_TEXT_CODECS:
        return capture
    capture.release()
    raise CameraUnreadable(
        f"{path} is no video that can be read", "it may be truncated or of another format; try MP4 with H.264"
    )


def _fault(path: Path) -> CameraError | None:
    try:
        if not path.exists():
            mend = "name a file that exists; relative paths start at the project's root"
            return CameraNotFound(f"file {path} does not exist", mend)
        if path.is_dir():
            return CameraUnreadable(f"{path} is a folder", "name a video file")
        if not path.is_file():
            return CameraUnreadable(f"{path} is no regular file", "name a video file, or usb:N for a device")
        if path.stat().st_size == 0:
            return CameraUnreadable(f"{path} is empty", "copy the file again")
    except OSError as error:
        return CameraUnreadable(f"{path}: {error.strerror}", "name a video file")
    if not os.access(path, os.R_OK):
        return CameraUnreadable(f"{path} may not be read by this user", "change its permissions")
    return None
