"""Opens whatever a camera's address names, through OpenCV."""

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import cv2

from cluster.camera.pace import Pace
from cluster.camera.server_verdict import ask_server
from cluster.camera.source_address import NetworkAddress, expanded_address
from cluster.camera.source_policy import file_path
from cluster.camera.stream_facts import StreamFacts
from cluster.camera.video_file import FileSource
from cluster.safety.errors import (
    CameraEnded,
    CameraError,
    CameraNotFound,
    CameraStalled,
    CameraUnreachable,
    CameraUnreadable,
)
from cluster.safety.frames import Image
from cluster.settings.cameras import CameraSettings, SourceKind

# FFmpeg takes as many threads as there are cores, each of which delays the picture by a frame and holds
# memory. Two decode 4K in time.
_DECODER_THREADS = 2
_HLS_SPEED = 1.02
# Of the open timeout, what must be left to ask the server why.
_ASK_AT_LEAST_S = 0.2
_MOTION_JPEG = frozenset({"mjpg", "mjpeg", "jpeg"})


class FrameSource(Protocol):
    """An open stream. `read` and `close` belong to one thread, and may hang: see `reader`.

    width and height in pixels, `fps` as announced (0.0: unknown), `codec` such as "h264".
    """

    width: int
    height: int
    fps: float
    codec: str
    kind: SourceKind

    def read(self) -> Image:
        """The next frame; waits for it.

        Raises:
            CameraError: there is none.
        """

    def close(self) -> None:
        """Gives the stream back."""


def open_source(
    camera: CameraSettings, environment: Mapping[str, str] | None = None, *, redirects: bool = True
) -> FrameSource:
    """The stream of `camera`, open and ready to be read; takes about `camera.open_timeout_s` at most.

    `environment` has the values of `${NAME}` (None: the process's own; `{}` for cameras made through the
    API, where a `${NAME}` must not be filled in). `redirects`: whether an HTTP server may send elsewhere, to an
    address that nobody has looked at.

    Raises:
        CameraError: it cannot be opened, by class of reason.
        ConfigError: a variable is not set, or what it holds is no address.
    """
    address = expanded_address(camera, environment)
    try:
        kind = SourceKind.of(address)
    except ValueError as error:
        raise CameraUnreadable(f"the address of camera {camera.camera_id}: {error}") from error
    match kind:
        case SourceKind.FILE:
            return FileSource(file_path(address), loop=camera.loop)
        case SourceKind.USB:
            return _open_device(address, camera)
        case _:
            return _open_network(address, camera, kind, redirects=redirects)


class LiveSource:
    """A stream that comes at its own time: a camera in the network or at a USB socket."""

    def __init__(self, capture: cv2.VideoCapture, kind: SourceKind, read_timeout_s: float) -> None:
        self._capture, self.kind, self._read_timeout_s = capture, kind, read_timeout_s
        facts = StreamFacts.of(capture)
        self.width, self.height, self.fps, self.codec = facts.width, facts.height, facts.fps, facts.codec
        # HLS comes in segments of seconds, as fast as the network gives them. Motion JPEG has no times.
        self._pace = Pace(_HLS_SPEED) if kind is SourceKind.HTTP and self.codec not in _MOTION_JPEG else None
        self._closed = threading.Event()

    def read(self) -> Image:
        """The next frame.

        Raises:
            CameraStalled: none within the read timeout.
            CameraEnded: the other side closed the stream, or what it sends cannot be decoded any more.
        """
        started_s = time.monotonic()
        ok, image = self._capture.read()
        # After its time-out OpenCV first hands out what its decoder still held: frames as old as the
        # time-out itself, which must not pass for new ones (seen with OpenCV 5.0).
        if time.monotonic() - started_s >= self._read_timeout_s:
            raise CameraStalled(f"no frame within {self._read_timeout_s:g} s")
        if not ok:
            raise CameraEnded("the stream broke off")
        self._wait_until_due()
        return image  # type: ignore[return-value]  # OpenCV's stubs leave the type of the pixels open

    def close(self) -> None:
        self._closed.set()
        self._capture.release()

    def _wait_until_due(self) -> None:
        if self._pace is None:
            return
        pause_s = self._pace.wait_s(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, time.monotonic())
        if pause_s > 0:
            self._closed.wait(pause_s)


def _open_network(url: str, camera: CameraSettings, kind: SourceKind, *, redirects: bool) -> FrameSource:
    """Opens first and asks afterwards why it failed; with a login it is the other way round, so that a
    refused password is tried once and not twice."""
    address = NetworkAddress.of(url, f"camera {camera.camera_id}")
    deadline_s = time.monotonic() + camera.open_timeout_s
    if address.has_login:
        ask_server(address, camera.open_timeout_s, redirects=redirects)
    capture = _stream(url, camera, max(1.0, deadline_s - time.monotonic()), redirects=redirects)
    if capture is not None:
        return LiveSource(capture, kind, camera.read_timeout_s)
    left_s = deadline_s - time.monotonic()
    if left_s < _ASK_AT_LEAST_S:
        raise CameraUnreachable(f"{address.server} gives no video within {camera.open_timeout_s:g} s")
    if not address.has_login:
        ask_server(address, left_s, redirects=redirects)
    raise CameraUnreadable(
        f"{address.server} answers, but gives no video that can be read", "check the path and the codec (H.264, H.265)"
    )


def _stream(url: str, camera: CameraSettings, open_timeout_s: float, *, redirects: bool) -> cv2.VideoCapture | None:
    # The only way to FFmpeg's own options is the environment of the whole process, read at each open: one
    # process holds one camera. Without fpsprobesize the open waits for 20 frames to guess a rate.
    options = f"rtsp_transport;{camera.transport}|fpsprobesize;0"
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options if redirects else f"{options}|max_redirects;0"
    # FFmpeg would write addresses with their passwords, and a line for each damaged packet, to stderr.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    return _opened(
        url,
        cv2.CAP_FFMPEG,
        {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: open_timeout_s * 1000,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: camera.read_timeout_s * 1000,
            cv2.CAP_PROP_N_THREADS: _DECODER_THREADS,
        },
    )


def _open_device(address: str, camera: CameraSettings) -> FrameSource:
    number = int(address.removeprefix("usb:").removeprefix("/dev/video"))
    device = Path(f"/dev/video{number}")
    if not device.exists():
        raise CameraNotFound(f"there is no {device}", "plug the camera in, or try another number")
    if not os.access(device, os.R_OK | os.W_OK):
        raise CameraUnreadable(f"{device} may not be opened by this user", "add the user to the group video")
    # Seconds; V4L2 waits 10 by default, longer than the reader's own deadline.
    os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(max(1, round(camera.read_timeout_s)))
    capture = _opened(number, cv2.CAP_V4L2, {})
    if capture is None:
        raise CameraUnreadable(f"{device} gives no video", "another program may hold it")
    return LiveSource(capture, SourceKind.USB, camera.read_timeout_s)


def _opened(address: str | int, backend: int, options: Mapping[int, float]) -> cv2.VideoCapture | None:
    flat = [int(value) for pair in options.items() for value in pair]
    try:
        capture = cv2.VideoCapture(address, backend, flat)
    except cv2.error as error:
        raise CameraError(f"OpenCV: {error.err or error}") from error
    if capture.isOpened():
        return capture
    capture.release()
    return None
