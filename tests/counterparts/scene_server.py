"""Cameras whose pictures a test paints: motion JPEG over HTTP, one path a camera, from this very process.

What is in the picture is an order and not a clip, so that a test can wait for what it caused and no outcome depends
on how fast the machine is.
"""

import functools
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

from cluster.safety.frames import Image

Place = tuple[float, float, float, float]
"""x1 y1 x2 y2 in 0..1 of the picture."""
PAINT_BGR = (255, 0, 255)
"""Nothing else in the pictures is of this colour; `stub_detector` takes it for a person."""
NOBODY: tuple[Place, ...] = ()

_GREYS = 7
_REMEMBERED = 3000
_JPEG_QUALITY = 80


class SceneServer:
    """Serves every camera at `url(camera_id)`; keeps its port over `stop` and `start`."""

    def __init__(self, *, fps: float = 10.0, size: tuple[int, int] = (640, 360)) -> None:
        """`size`: width and height in pixels."""
        self.fps, self.size = fps, size
        self._people: dict[str, tuple[Place, ...]] = {}
        self._generation: dict[str, int] = {}
        self._sent_s: dict[str, deque[float]] = {}
        self._sent: dict[str, int] = {}
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def url(self, camera_id: str) -> str:
        return f"http://127.0.0.1:{self.port}/{camera_id}"

    def show(self, people: tuple[Place, ...], *camera_ids: str) -> None:
        """From the next frame on `people` stand in the pictures of `camera_ids`."""
        self._people.update(dict.fromkeys(camera_ids, people))

    def drop(self, *camera_ids: str) -> None:
        """Closes the streams of `camera_ids`, as a camera does that restarts; who asks again is served."""
        for camera_id in camera_ids:
            self._generation[camera_id] = self._generation.get(camera_id, 0) + 1

    def longest_pause_s(self, camera_id: str, since_s: float) -> float:
        """The longest time after `since_s` (monotonic) in which nobody fetched a frame of this camera."""
        times = [sent_s for sent_s in self._sent_s.get(camera_id, ()) if sent_s >= since_s]
        return max((after - before for before, after in itertools.pairwise(times)), default=math.inf)

    def sent(self, camera_id: str) -> int:
        """How many frames of this camera were fetched so far, over all its connections."""
        return self._sent.get(camera_id, 0)

    def start(self) -> None:
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="scene-server", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def frames(self, camera_id: str) -> Iterator[bytes]:
        """JPEGs at `fps` until the stream is dropped."""
        generation, stopping, count = self._generation.get(camera_id, 0), self._stopping, 0
        while not stopping.wait(1.0 / self.fps) and self._generation.get(camera_id, 0) == generation:
            yield _jpeg(self._people.get(camera_id, NOBODY), count % _GREYS, self.size)
            self._sent_s.setdefault(camera_id, deque(maxlen=_REMEMBERED)).append(time.monotonic())
            self._sent[camera_id] = self.sent(camera_id) + 1
            count += 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("SceneHandler", (_Handler,), {"scene": self})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class _Handler(BaseHTTPRequestHandler):
    scene: SceneServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for jpeg in self.scene.frames(self.path.strip("/")):
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
        except OSError:
            return  # the camera process went away, or was killed

    def log_message(self, *_: Any) -> None:
        """A line for each connection is nobody's interest."""


@functools.lru_cache(maxsize=256)
def _jpeg(people: tuple[Place, ...], grey: int, size: tuple[int, int]) -> bytes:
    encoded = cv2.imencode(".jpg", painted(people, grey, size), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    return bytes(encoded.tobytes())


def painted(people: tuple[Place, ...], grey: int, size: tuple[int, int]) -> Image:
    """(height, width, 3): grey with noise, another one for each `grey`, so that no picture passes for frozen."""
    width, height = size
    noise = np.random.default_rng(grey).normal(128, 12, (height // 4, width // 4))
    plane = cv2.resize(np.clip(noise, 60, 200).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
    image = cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR)
    for x1, y1, x2, y2 in people:
        corner, opposite = (round(x1 * width), round(y1 * height)), (round(x2 * width), round(y2 * height))
        cv2.rectangle(image, corner, opposite, PAINT_BGR, thickness=cv2.FILLED)
    return np.asarray(image, dtype=np.uint8)


def people_in(image: Image) -> list[Place]:
    """Where `painted` put people, as far as JPEG and shrinking let it be seen."""
    mask = cv2.inRange(image, np.array((150, 0, 150)), np.array((255, 110, 255)))
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    height, width = mask.shape
    return [
        (x / width, y / height, (x + w) / width, (y + h) / height)
        for x, y, w, h, area in stats[1:count].tolist()
        if area >= 0.001 * width * height
    ]
