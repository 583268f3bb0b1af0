"""Opens a camera once and says what comes, for the command line and the API."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cluster.camera.reader import SourceReader
from cluster.camera.sources import FrameSource, open_source
from cluster.safety.errors import CameraStalled
from cluster.safety.frames import Image
from cluster.settings.cameras import CameraSettings

# OpenCV keeps its own deadlines almost always; after this much more it is taken to hang.
OPEN_SLACK_S = 2.0
READ_SLACK_S = 1.0


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """Size in pixels and `fps` as announced (0.0: unknown); `first_frame_s`: from the call to the first frame."""

    width: int
    height: int
    fps: float
    codec: str
    first_frame_s: float


def probe(camera: CameraSettings) -> SourceFacts:
    """As `first_frame`, for who needs no picture."""
    return first_frame(camera)[0]


def first_frame(
    camera: CameraSettings, opens: Callable[[CameraSettings], FrameSource] = open_source
) -> tuple[SourceFacts, Image]:
    """Opens `camera`, waits for one frame (BGR, as it came, without masks) and closes again, within its two timeouts
    and a little slack.

    Raises:
        CameraError: no frame, by class of reason.
        ConfigError: a variable of the address is not set.
    """
    started_s = time.monotonic()
    reader = SourceReader(lambda: opens(camera), name=camera.camera_id)
    try:
        source = reader.wait_opened(camera.open_timeout_s + OPEN_SLACK_S)
        captured = reader.next(camera.read_timeout_s + READ_SLACK_S)
    finally:
        reader.close()
    if source is None or captured is None:
        raise CameraStalled("the reader was closed")
    height, width = captured.image.shape[:2]
    return SourceFacts(width, height, source.fps, source.codec, time.monotonic() - started_s), captured.image
