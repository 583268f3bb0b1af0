"""Objects followed from frame to frame, and the tracked frame that the rules look at."""

from dataclasses import dataclass
from datetime import datetime

from cluster.safety.frames import correlation_id

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in 0..1 of the picture."""


@dataclass(frozen=True, slots=True)
class Track:
    """One object in one frame. `track_id` is unique within the lease epoch, but may switch."""

    track_id: int
    label: str
    confidence: float
    box: Box


@dataclass(frozen=True, slots=True)
class Observation:
    """The tracks of one captured frame; times as in `Frame`, `knows` as in `Detections`."""

    camera_id: str
    epoch: int
    sequence: int
    captured_at: datetime
    captured_s: float
    tracks: tuple[Track, ...]
    model_digest: str = ""
    knows: frozenset[str] | None = None

    @property
    def correlation_id(self) -> str:
        return correlation_id(self.camera_id, self.epoch, self.sequence)
