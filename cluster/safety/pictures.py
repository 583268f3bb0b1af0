"""Pictures for people, and what is drawn over them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cluster.safety.events import SeenObject
from cluster.safety.status import CameraStatus


class PictureProfile(StrEnum):
    """How large a picture is made: at most `width_px` wide, never enlarged."""

    FULL = "full"
    WALL = "wall"
    THUMBNAIL = "thumbnail"

    @property
    def width_px(self) -> int:
        return {"full": 3840, "wall": 640, "thumbnail": 240}[self.value]

    @property
    def jpeg_quality(self) -> int:
        return {"full": 85, "wall": 80, "thumbnail": 70}[self.value]


@dataclass(frozen=True, slots=True)
class ZoneOutline:
    """A zone as it is drawn: polygon in 0..1, `kind` danger or warning, `occupied` while an episode is open in it."""

    zone_id: str
    name: str
    kind: str
    polygon: tuple[tuple[float, float], ...]
    occupied: bool = False


@dataclass(frozen=True, slots=True)
class LivePicture:
    """One frame for viewers, or the news that there is none.

    A blind camera has `jpeg` b"" and a status that is not MONITORED or DEGRADED: never its last frame.
    `objects` are those of frame `objects_sequence` (the newest that was looked at, 0: none yet), which may be
    a little older than the picture's own `sequence`. width and height are of the JPEG, in pixels.
    """

    camera_id: str
    epoch: int
    sequence: int
    captured_at: datetime
    status: CameraStatus
    reason: str
    width: int
    height: int
    jpeg: bytes
    objects: tuple[SeenObject, ...] = ()
    objects_sequence: int = 0
    zones: tuple[ZoneOutline, ...] = ()
